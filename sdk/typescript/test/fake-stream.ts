// SPDX-License-Identifier: Apache-2.0
import type { Duplex } from 'node:stream'
import type { ProcessExit, StartProcess } from '@isola/protocol'
import {
  Channel,
  encodeFrame,
  type Frame,
  FrameReader,
  FrameType,
  type IsolaError,
  ReceiveWindow,
  SendWindow,
} from '@isola/protocol/wire'
import type { FakeEnd, FakeProcess, FakeProgram } from './fake-programs.ts'

export interface FakeStreamEvents {
  readonly program: (start: StartProcess) => { argv: string[]; run: FakeProgram }
  readonly onEnd: (start: StartProcess) => void
}

/** The server's end of a process stream, with credits in both directions. */
export class FakeStream {
  /** The most that was ever sent beyond what the client had granted back. */
  sentBytes = 0
  readonly #socket: Duplex
  readonly #events: FakeStreamEvents
  readonly #reader = new FrameReader('strict', 1)
  readonly #windows = { stdout: new SendWindow(), stderr: new SendWindow() }
  readonly #inputWindow = new ReceiveWindow()
  readonly #input: Uint8Array[] = []
  readonly #signals: string[] = []
  readonly #sizes: { cols: number; rows: number }[] = []
  #inputEnded = false
  #changed = Promise.withResolvers<void>()
  #start: StartProcess | undefined

  constructor(socket: Duplex, events: FakeStreamEvents) {
    this.#socket = socket
    this.#events = events
    socket.on('data', (chunk: Uint8Array) => {
      for (const frame of this.#reader.push(chunk)) this.#handle(frame)
      this.#wake()
    })
    socket.on('error', () => undefined)
    socket.on('end', () => socket.destroy())
    socket.on('close', () => {
      this.#wake()
      this.#over()
    })
  }

  #handle(frame: Frame): void {
    if (frame.type === FrameType.credit) {
      const bytes = new DataView(frame.payload.buffer, frame.payload.byteOffset).getUint32(0)
      this.#windows[frame.channel === Channel.output ? 'stdout' : 'stderr'].grant(bytes)
    } else if (frame.type === FrameType.data) {
      if (!this.#inputWindow.receive(frame.payload.length)) throw new Error('the client overran its credit')
      this.#input.push(frame.payload)
    } else if (frame.type === FrameType.end) this.#inputEnded = true
    else if (frame.type === FrameType.request)
      this.#request(frame.id, JSON.parse(Buffer.from(frame.payload).toString()) as Record<string, unknown>)
  }

  #request(id: number, payload: Record<string, unknown>): void {
    if (id !== 1) {
      if (payload['op'] === 'process.signal') this.#signals.push(String(payload['signal']))
      else this.#sizes.push({ cols: Number(payload['cols']), rows: Number(payload['rows']) })
      this.#send(FrameType.response, id, 0, { ok: true })
      return
    }
    const start = payload as unknown as StartProcess
    this.#start = start
    try {
      const { argv, run } = this.#events.program(start)
      this.#send(FrameType.response, 1, 0, { ok: true, processId: start.processId ?? 'pr000000000000000001', pid: 7 })
      void run(this.#process(argv, start)).then((end) => this.#finish(end))
    } catch (error) {
      this.#send(FrameType.response, 1, 0, { ok: false, ...(error as IsolaError).toBody() })
      this.#close()
    }
  }

  #process(argv: string[], start: StartProcess): FakeProcess {
    return {
      argv,
      start,
      input: this.#readInput(),
      write: (stream, bytes) => this.#write(stream, typeof bytes === 'string' ? Buffer.from(bytes) : bytes),
      signalled: () => this.#next(this.#signals),
      resized: () => this.#next(this.#sizes),
    }
  }

  async #write(stream: 'stdout' | 'stderr', bytes: Uint8Array): Promise<void> {
    const channel = stream === 'stdout' ? Channel.output : Channel.error
    for (let offset = 0; offset < bytes.length; ) {
      while (this.#windows[stream].availableBytes === 0 && !this.#socket.destroyed) await this.#changed.promise
      if (this.#socket.destroyed) return
      const size = Math.min(bytes.length - offset, this.#windows[stream].availableBytes)
      this.#windows[stream].spend(size)
      this.sentBytes += size
      const payload = bytes.subarray(offset, offset + size)
      this.#socket.write(encodeFrame({ epoch: 1, type: FrameType.data, channel, id: 1, payload }))
      offset += size
    }
  }

  async *#readInput(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = this.#input.shift()
      if (chunk !== undefined) {
        const credit = this.#inputWindow.consume(chunk.length)
        if (credit > 0) this.#sendCredit(credit)
        yield chunk
      } else if (this.#inputEnded || this.#socket.destroyed) return
      else await this.#changed.promise
    }
  }

  #sendCredit(credit: number): void {
    const payload = new Uint8Array(4)
    new DataView(payload.buffer).setUint32(0, credit)
    this.#socket.write(encodeFrame({ epoch: 1, type: FrameType.credit, channel: Channel.input, id: 1, payload }))
  }

  async #next<Value>(queue: Value[]): Promise<Value> {
    while (queue.length === 0 && !this.#socket.destroyed) await this.#changed.promise
    return queue.shift() as Value
  }

  #finish(end: FakeEnd): void {
    for (const channel of [Channel.output, Channel.error])
      this.#socket.write(encodeFrame({ epoch: 1, type: FrameType.end, channel, id: 1 }))
    const exit: ProcessExit = {
      event: 'exited',
      exitCode: null,
      signal: null,
      timedOut: false,
      oomKilled: false,
      outputCapped: false,
      durationMs: 1,
      stdoutBytes: 0,
      stderrBytes: 0,
      droppedBytes: 0,
      ...end,
    }
    this.#send(FrameType.event, 1, 0, exit)
    this.#close()
  }

  #close(): void {
    this.#over()
    this.#socket.end()
  }

  /** As with the real server, the connection closes after the sandbox that ends with it is gone. */
  #over(): void {
    if (this.#start !== undefined) this.#events.onEnd(this.#start)
    this.#start = undefined
  }

  #send(type: FrameType, id: number, channel: number, payload: unknown): void {
    if (this.#socket.writable)
      this.#socket.write(encodeFrame({ epoch: 1, type, id, channel, payload: Buffer.from(JSON.stringify(payload)) }))
  }

  #wake(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }
}
