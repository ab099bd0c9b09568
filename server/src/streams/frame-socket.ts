// SPDX-License-Identifier: Apache-2.0
import type { Duplex } from 'node:stream'
import {
  Channel,
  encodeFrame,
  encodeHeader,
  FLAG_BROKEN,
  type Frame,
  FrameReader,
  FrameType,
  IsolaError,
} from '@isola/protocol'
import { endAndLinger } from './linger.ts'

/** One connection carries one process: the epoch never changes. */
const EPOCH = 1
/** Smaller payloads are copied behind their header: one write is cheaper than two. */
const COPY_BELOW_BYTES = 16 * 1024
/** Answers that a client may leave unread. Output never gets there: it waits for the socket to drain. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024

type Outgoing = Parameters<typeof encodeFrame>[0]

export interface FrameListener {
  /** @throws {StreamBreach} when the frame has no place here. */
  onFrame(frame: Frame): void
  /** Called once: the client is gone, or broke the protocol. */
  onClose(error: Error): void
}

/** The client did what the protocol does not allow. */
export class StreamBreach extends IsolaError {
  constructor(what: string) {
    super('request.invalid', `stream: ${what}`, { hint: 'see docs/reference/frames.md' })
  }
}

/** A client's connection after the upgrade, as frames. */
export class FrameSocket {
  readonly #socket: Duplex
  readonly #listener: FrameListener
  readonly #reader = new FrameReader('strict', EPOCH)
  readonly #waiting = new Set<() => void>()
  #closeReason: Error | undefined

  constructor(socket: Duplex, listener: FrameListener) {
    this.#socket = socket
    this.#listener = listener
    socket.on('data', (chunk: Uint8Array) => this.#receive(chunk))
    socket.on('drain', () => this.wake())
    socket.on('error', (error) => this.#closed(error))
    // Also when only the sending half ends: a client that was killed looks the same, and its process must not outlive it.
    socket.on('end', () => this.#closed(new Error('the client closed the connection')))
    socket.on('close', () => this.#closed(new Error('the connection is closed')))
  }

  get isClosed(): boolean {
    return this.#closeReason !== undefined
  }

  get isBlocked(): boolean {
    return this.#socket.writableNeedDrain
  }

  /** What came in the same packet as the upgrade. */
  start(head: Uint8Array): void {
    if (head.length > 0) this.#receive(head)
  }

  send(frame: Omit<Outgoing, 'epoch'>): void {
    if (this.isClosed || !this.#socket.writable) return
    this.#socket.write(encodeFrame({ epoch: EPOCH, ...frame }))
    if (this.#socket.writableLength > MAX_UNREAD_BYTES)
      this.#closed(new StreamBreach('the client does not read its answers'))
  }

  sendJson(type: FrameType, id: number, value: unknown, flags = 0, channel = 0): void {
    this.send({ type, id, flags, channel, payload: Buffer.from(JSON.stringify(value)) })
  }

  sendData(id: number, channel: number, payload: Uint8Array): void {
    if (payload.length < COPY_BELOW_BYTES) return this.send({ type: FrameType.data, id, channel, payload })
    if (this.isClosed || !this.#socket.writable) return
    this.#socket.cork()
    this.#socket.write(
      encodeHeader({ epoch: EPOCH, type: FrameType.data, channel, flags: 0, id, length: payload.length }),
    )
    this.#socket.write(payload)
    this.#socket.uncork()
  }

  /** Resolves at the next drain or `wake()`. @throws when the connection is over. */
  async change(): Promise<void> {
    if (this.#closeReason === undefined) await new Promise<void>((resolve) => this.#waiting.add(resolve))
    if (this.#closeReason !== undefined) throw this.#closeReason
  }

  wake(): void {
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }

  /** Everything that was sent still arrives; nothing is received any more. */
  end(): void {
    this.#closeReason ??= new Error('the stream is over')
    this.wake()
    endAndLinger(this.#socket)
  }

  #receive(chunk: Uint8Array): void {
    if (this.isClosed) return
    try {
      for (const frame of this.#reader.push(chunk)) {
        this.#listener.onFrame(frame)
        if (this.isClosed) return
      }
    } catch (error) {
      this.#closed(error instanceof StreamBreach ? error : new StreamBreach((error as Error).message))
    }
  }

  #closed(error: Error): void {
    if (this.isClosed) return
    if (error instanceof StreamBreach && this.#socket.writable) {
      this.#socket.write(brokenEnd(error))
      endAndLinger(this.#socket)
    } else this.#socket.destroy()
    this.#closeReason = error
    this.wake()
    this.#listener.onClose(error)
  }
}

function brokenEnd(breach: StreamBreach): Uint8Array {
  const payload = Buffer.from(JSON.stringify(breach.toBody().error))
  return encodeFrame({ epoch: EPOCH, type: FrameType.end, id: 1, channel: Channel.output, flags: FLAG_BROKEN, payload })
}
