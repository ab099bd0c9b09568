// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net'
import { Channel, encodeFrame, encodeHeader, FrameType, MAX_DATA_PAYLOAD_BYTES, SendWindow } from '@isola/protocol/wire'
import { SdkError } from '../sdk-error.ts'

/** Standard input of a process: never more under way than the process has taken room for. */
export class InputWriter {
  readonly #socket: Socket
  readonly #epoch: number
  readonly #id: number
  readonly #window = new SendWindow()
  #tail: Promise<void> = Promise.resolve()
  #room: PromiseWithResolvers<void> | undefined
  #closed: { readonly reason: unknown } | undefined
  #ended = false

  constructor(socket: Socket, epoch: number, id: number) {
    this.#socket = socket
    this.#epoch = epoch
    this.#id = id
    socket.on('drain', () => this.#wake())
  }

  /** Resolves when the bytes are on their way. @throws {SdkError} process.ended */
  write(content: Uint8Array | string): Promise<void> {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content
    return this.#queue(() => this.#send(bytes))
  }

  /** End of file. */
  end(): Promise<void> {
    return this.#queue(async () => {
      if (this.#closed !== undefined || this.#ended) return
      this.#ended = true
      this.#socket.write(encodeFrame({ epoch: this.#epoch, type: FrameType.end, channel: Channel.input, id: this.#id }))
    })
  }

  grant(bytes: number): void {
    this.#window.grant(bytes)
    this.#wake()
  }

  /** Nobody reads any more: whoever waits for room is told. */
  close(reason?: unknown): void {
    this.#closed ??= {
      reason:
        reason ??
        new SdkError('process.ended', 'write to a process: it has ended', 'stop writing when `wait` resolves'),
    }
    this.#wake()
  }

  #queue(action: () => Promise<void>): Promise<void> {
    const done = this.#tail.then(action)
    this.#tail = done.catch(() => undefined)
    return done
  }

  async #send(bytes: Uint8Array): Promise<void> {
    if (this.#ended)
      throw new SdkError('process.ended', 'write to a process: its input was ended', 'end the input last')
    for (let offset = 0; offset < bytes.length; ) {
      while (this.#closed === undefined && (this.#window.availableBytes === 0 || this.#socket.writableNeedDrain))
        await this.#waitForRoom()
      if (this.#closed !== undefined) throw this.#closed.reason
      const size = Math.min(bytes.length - offset, this.#window.availableBytes, MAX_DATA_PAYLOAD_BYTES)
      this.#window.spend(size)
      const header = {
        epoch: this.#epoch,
        type: FrameType.data,
        channel: Channel.input,
        flags: 0,
        id: this.#id,
        length: size,
      }
      this.#socket.cork()
      this.#socket.write(encodeHeader(header))
      this.#socket.write(bytes.subarray(offset, offset + size))
      this.#socket.uncork()
      offset += size
    }
  }

  #waitForRoom(): Promise<void> {
    this.#room ??= Promise.withResolvers()
    return this.#room.promise
  }

  #wake(): void {
    this.#room?.resolve()
    this.#room = undefined
  }
}
