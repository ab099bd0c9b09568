// SPDX-License-Identifier: Apache-2.0
import type { ByteSource } from '@isola/core'
import { FrameType, MAX_DATA_PAYLOAD_BYTES, SendWindow } from '@isola/protocol'
import { type FrameSocket, StreamBreach } from './frame-socket.ts'

/** More than this was never outstanding, so no honest client grants it. */
const MAX_CREDIT_BYTES = 2 ** 31

/** One output of the process: goes on only while the client has granted credit and its socket takes more. */
export class OutputRelay {
  readonly #frames: FrameSocket
  readonly #id: number
  readonly #channel: number
  readonly #window = new SendWindow()

  constructor(frames: FrameSocket, id: number, channel: number) {
    this.#frames = frames
    this.#id = id
    this.#channel = channel
  }

  grant(payload: Uint8Array): void {
    if (payload.length !== 4) throw new StreamBreach(`credit of ${payload.length} bytes`)
    const bytes = new DataView(payload.buffer, payload.byteOffset, 4).getUint32(0)
    if (this.#window.availableBytes + bytes > MAX_CREDIT_BYTES)
      throw new StreamBreach('more credit than was ever spent')
    this.#window.grant(bytes)
    this.#frames.wake()
  }

  /** Resolves when the output has ended and all of it was sent. */
  async relay(source: ByteSource): Promise<void> {
    for await (const chunk of source) await this.#sendAll(chunk)
    this.#frames.send({ type: FrameType.end, channel: this.#channel, id: this.#id })
  }

  async #sendAll(chunk: Uint8Array): Promise<void> {
    for (let rest = chunk; rest.length > 0; ) {
      const size = Math.min(rest.length, MAX_DATA_PAYLOAD_BYTES, this.#window.availableBytes)
      if (size === 0 || this.#frames.isBlocked || this.#frames.isClosed) {
        await this.#frames.change()
        continue
      }
      this.#window.spend(size)
      this.#frames.sendData(this.#id, this.#channel, rest.subarray(0, size))
      rest = rest.subarray(size)
    }
  }
}
