// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net'
import type { ProcessExit, StartProcess } from '@isola/protocol'
import {
  Channel,
  encodeFrame,
  FLAG_BROKEN,
  type Frame,
  FrameReader,
  FrameType,
  IsolaError,
  ReceiveWindow,
} from '@isola/protocol/wire'
import type { Client } from '../connection/client.ts'
import { SdkError } from '../sdk-error.ts'
import { InputWriter } from './input-writer.ts'
import { OutputQueue } from './output-queue.ts'

// The connection carries one process, so epoch and id never change.
const EPOCH = 1
const PROCESS = 1
const FIRST_REQUEST = 2

/** One started process and the connection that it lives on: when that ends, so does the process, unless the server was killed. */
export class ProcessStream {
  readonly output: OutputQueue
  readonly input: InputWriter
  readonly exit: Promise<ProcessExit>
  /** Resolves when the connection is gone; with `destroySandbox` the sandbox is gone then too. */
  readonly closed: Promise<void>
  readonly #socket: Socket
  readonly #reader = new FrameReader('strict', EPOCH)
  readonly #windows = { stdout: new ReceiveWindow(), stderr: new ReceiveWindow() }
  readonly #exit = Promise.withResolvers<ProcessExit>()
  readonly #responses = new Map<number, PromiseWithResolvers<Response>>()
  #nextId = FIRST_REQUEST

  private constructor(socket: Socket) {
    this.#socket = socket
    this.input = new InputWriter(socket, EPOCH, PROCESS)
    this.output = new OutputQueue(({ stream, bytes }) => this.#grant(stream, bytes.length))
    this.exit = this.#exit.promise
    this.exit.catch(() => undefined)
    const closed = Promise.withResolvers<void>()
    this.closed = closed.promise
    socket.on('data', (chunk: Uint8Array) => this.#receive(chunk))
    socket.once('error', (error) => this.#fail(lost(error.message)))
    socket.once('close', () => {
      this.#fail(lost('it was closed'))
      closed.resolve()
    })
  }

  /** @throws {IsolaError} when the process cannot be started */
  static async open(
    client: Client,
    sandbox: string,
    start: StartProcess,
    signal?: AbortSignal,
  ): Promise<{ stream: ProcessStream; processId: string; pid: number }> {
    const { socket, head } = await client.upgrade(`/v1/sandboxes/${encodeURIComponent(sandbox)}/stream`, signal)
    const stream = new ProcessStream(socket)
    const abort = (): void => stream.#abort(signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
    void stream.closed.then(() => signal?.removeEventListener('abort', abort))
    if (signal?.aborted) abort()
    const started = stream.#send(PROCESS, start)
    if (head.length > 0) stream.#receive(head)
    try {
      const { processId, pid } = (await started) as unknown as { processId: string; pid: number }
      return { stream, processId, pid }
    } catch (error) {
      if (start.destroySandbox === true && !signal?.aborted) await stream.closed
      else socket.destroy()
      throw error
    }
  }

  signal(signal: string, target: 'process' | 'group'): Promise<unknown> {
    return this.#request({ op: 'process.signal', signal, target })
  }

  resize(cols: number, rows: number): Promise<unknown> {
    return this.#request({ op: 'process.resize', cols, rows })
  }

  /** Ends the connection at once, and with it the process. */
  close(): void {
    this.#socket.destroy()
  }

  #request(operation: { op: string; [parameter: string]: unknown }): Promise<Response> {
    if (this.#socket.destroyed)
      return Promise.reject(new SdkError('process.ended', `${operation.op}: the process has ended`, 'start it again'))
    return this.#send(this.#nextId++, operation)
  }

  #send(id: number, payload: unknown): Promise<Response> {
    const response = Promise.withResolvers<Response>()
    this.#responses.set(id, response)
    this.#socket.write(
      encodeFrame({ epoch: EPOCH, type: FrameType.request, id, payload: Buffer.from(JSON.stringify(payload)) }),
    )
    return response.promise
  }

  #receive(chunk: Uint8Array): void {
    try {
      for (const frame of this.#reader.push(chunk)) this.#handle(frame)
    } catch (error) {
      this.#fail(error instanceof SdkError ? error : broken((error as Error).message, error))
      this.#socket.destroy()
    }
  }

  #handle(frame: Frame): void {
    switch (frame.type) {
      case FrameType.data:
        return this.#take(frame)
      case FrameType.credit:
        if (frame.payload.length !== 4) throw broken('a credit has 4 bytes')
        return this.input.grant(new DataView(frame.payload.buffer, frame.payload.byteOffset).getUint32(0))
      case FrameType.response:
        return this.#respond(frame)
      case FrameType.event:
        return this.#event(parse(frame) as ProcessExit)
      case FrameType.end:
        if (frame.flags & FLAG_BROKEN)
          this.#fail(IsolaError.fromWire(parse(frame) as { code: string; message: string }))
        return undefined
      case FrameType.ping:
        this.#socket.write(encodeFrame({ epoch: EPOCH, type: FrameType.pong, id: frame.id, payload: frame.payload }))
        return undefined
      default:
        throw broken(`frame type ${frame.type} does not belong on this stream`)
    }
  }

  #take(frame: Frame): void {
    const stream = frame.channel === Channel.output ? 'stdout' : frame.channel === Channel.error ? 'stderr' : undefined
    if (stream === undefined || frame.id !== PROCESS) throw broken(`data on channel ${frame.channel} of ${frame.id}`)
    if (!this.#windows[stream].receive(frame.payload.length)) throw broken(`more ${stream} than there was credit for`)
    this.output.push({ stream, bytes: frame.payload })
  }

  #grant(stream: 'stdout' | 'stderr', bytes: number): void {
    const credit = this.#windows[stream].consume(bytes)
    if (credit === 0 || !this.#socket.writable) return
    const payload = new Uint8Array(4)
    new DataView(payload.buffer).setUint32(0, credit)
    const channel = stream === 'stdout' ? Channel.output : Channel.error
    this.#socket.write(encodeFrame({ epoch: EPOCH, type: FrameType.credit, channel, id: PROCESS, payload }))
  }

  #respond(frame: Frame): void {
    const waiting = this.#responses.get(frame.id)
    if (waiting === undefined) throw broken(`an answer to ${frame.id}, which was not asked`)
    this.#responses.delete(frame.id)
    const response = parse(frame) as Response
    if (response.ok) waiting.resolve(response)
    else waiting.reject(IsolaError.fromWire(response.error))
  }

  #event(event: ProcessExit): void {
    if (event.event !== 'exited') return
    this.#exit.resolve(event)
    this.output.end()
    this.input.close()
  }

  #abort(reason: unknown): void {
    this.#fail(reason)
    this.#socket.destroy()
  }

  /** Whoever waits for something learns why it does not come; a no-op after a regular end. */
  #fail(error: unknown): void {
    this.output.end({ error })
    this.input.close(error)
    this.#exit.reject(error)
    for (const waiting of this.#responses.values()) waiting.reject(error)
    this.#responses.clear()
  }
}

type Response =
  | { readonly ok: true }
  | { readonly ok: false; readonly error: { code: string; message: string; hint?: string } }

function parse(frame: Frame): unknown {
  const { buffer, byteOffset, length } = frame.payload
  return JSON.parse(Buffer.from(buffer, byteOffset, length).toString('utf8'))
}

function broken(detail: string, cause?: unknown): SdkError {
  return new SdkError(
    'protocol.broken',
    `read a process stream: ${detail}`,
    'use a client and a server of the same version',
    cause,
  )
}

function lost(detail: string): IsolaError {
  return new IsolaError('server.unreachable', `follow a process: the connection to the server was lost (${detail})`, {
    hint: 'the process was ended with it, unless the server itself was killed: then it lives on without output, see `processes.list()`',
  })
}
