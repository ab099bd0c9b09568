// SPDX-License-Identifier: Apache-2.0
import { type Duplex, duplexPair } from 'node:stream'
import { encodeFrame, type Frame, FrameReader, FrameType } from '@isola/protocol'
import { WAITS, type Waits } from '../src/http/waits.ts'
import { makeJournal } from '../src/lifecycle/journal.ts'
import { ProcessStream } from '../src/streams/process-stream.ts'
import { FakeService } from './fake-service.ts'
import type { Loose } from './loose.ts'

type Outgoing = Partial<Parameters<typeof encodeFrame>[0]>
export type Received = Pick<Frame, 'type' | 'channel' | 'flags' | 'id'> & {
  readonly bytes: Buffer
  readonly json: Loose
}

/** The client's end of a process stream, over a pair of streams in memory. */
export class StreamClient {
  readonly service = new FakeService()
  readonly sandbox = this.service.add({ name: 'web' })
  readonly frames: Received[] = []
  readonly log: string[] = []
  readonly socket: Duplex
  /** Resolves when the server is through with the stream. */
  readonly served: Promise<void>
  readonly #reader = new FrameReader('strict', 1)
  #wake: (() => void) | undefined
  isEnded = false

  constructor(waits: Partial<Waits> = {}, head = Buffer.alloc(0)) {
    const [client, server] = duplexPair()
    this.socket = client
    client.on('data', (chunk: Buffer) => {
      for (const { type, channel, flags, id, payload } of this.#reader.push(chunk)) {
        const bytes = Buffer.from(payload)
        this.frames.push({
          type,
          channel,
          flags,
          id,
          bytes,
          json: parse(type === FrameType.data ? Buffer.alloc(0) : bytes),
        })
      }
      this.#wake?.()
    })
    client.on('error', () => {})
    for (const event of ['end', 'close']) {
      client.on(event, () => {
        this.isEnded = true
        this.#wake?.()
      })
    }
    const journal = makeJournal((line) => this.log.push(line))
    const deps = { service: this.service, journal, waits: { ...WAITS, ...waits } }
    this.served = new ProcessStream(deps, this.sandbox.id, server).serve(head)
  }

  send(frame: Outgoing): void {
    this.socket.write(encodeFrame({ epoch: 1, id: 1, type: FrameType.request, ...frame }))
  }

  sendJson(value: unknown, id = 1): void {
    this.send({ id, payload: Buffer.from(JSON.stringify(value)) })
  }

  async start(command: object = { argv: ['x'] }): Promise<Received> {
    this.sendJson(command)
    return await this.next(({ type }) => type === FrameType.response)
  }

  credit(channel: number, bytes: number): void {
    const payload = Buffer.alloc(4)
    payload.writeUInt32BE(bytes)
    this.send({ type: FrameType.credit, channel, payload })
  }

  /** The first frame that fits, now or later; each is found once. */
  async next(fits: (frame: Received) => boolean): Promise<Received> {
    for (;;) {
      const at = this.frames.findIndex(fits)
      if (at >= 0) return this.frames.splice(at, 1)[0] as Received
      if (this.isEnded) throw new Error(`the stream ended; it had ${JSON.stringify(this.frames)}`)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  output(channel: number): Buffer {
    const data = this.frames.filter((frame) => frame.type === FrameType.data && frame.channel === channel)
    return Buffer.concat(data.map(({ bytes }) => bytes))
  }
}

/** Lets everything happen that can happen without new input. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
}

function parse(bytes: Buffer): Loose {
  try {
    return JSON.parse(bytes.toString()) as Loose
  } catch {
    return {} as Loose
  }
}
