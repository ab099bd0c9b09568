// SPDX-License-Identifier: Apache-2.0
import { Channel, FrameType, type IsolaError, MAX_DATA_PAYLOAD_BYTES, SendWindow } from '@isola/protocol'
import { type FrameLink, ProtocolBreach } from './frame-link.ts'

/** More than this was never outstanding, so no honest receiver grants it. */
const MAX_CREDIT_BYTES = 2 ** 31

/** Bytes towards the agent, as fast as its credit and the channel allow. */
export class OutboundStream {
  readonly #link: FrameLink
  readonly #id: number
  readonly #window = new SendWindow()
  #ended = false
  #failure: IsolaError | undefined
  #wake: (() => void) | undefined
  /** Writes follow one another even when the caller does not wait. */
  #tail: Promise<void> = Promise.resolve()

  constructor(link: FrameLink, id: number) {
    this.#link = link
    this.#id = id
  }

  /** Resolves when all of `chunk` was handed over; the memory must not be changed. @throws what ended the exchange. */
  write(chunk: Uint8Array): Promise<void> {
    const written = this.#tail.then(() => this.#send(chunk))
    this.#tail = written.catch(() => {})
    return written
  }

  /** End of input, after everything that was written before. */
  end(): void {
    this.#tail = this.#tail.then(() => {
      if (this.#ended) return
      this.#ended = true
      this.#link.send({ type: FrameType.end, channel: Channel.input, id: this.#id })
    })
  }

  /** The receiver is gone: what waits fails with `error`, or is let go silently when there is none. */
  stop(error?: IsolaError): void {
    this.#ended = true
    this.#failure = error
    this.#wake?.()
  }

  /** A credit frame arrived. @throws {ProtocolBreach} */
  grant(payload: Uint8Array): void {
    if (payload.length !== 4) throw new ProtocolBreach(`credit of ${payload.length} bytes`)
    const bytes = new DataView(payload.buffer, payload.byteOffset, 4).getUint32(0)
    if (this.#window.availableBytes + bytes > MAX_CREDIT_BYTES)
      throw new ProtocolBreach('more credit than was ever spent')
    this.#window.grant(bytes)
    this.#wake?.()
  }

  async #send(chunk: Uint8Array): Promise<void> {
    let rest = chunk
    while (rest.length > 0) {
      if (this.#failure !== undefined) throw this.#failure
      if (this.#ended) return
      const size = Math.min(rest.length, MAX_DATA_PAYLOAD_BYTES, this.#window.availableBytes)
      if (size === 0 || this.#link.blocked) {
        await this.#room(size === 0)
        continue
      }
      this.#window.spend(size)
      this.#link.sendData(this.#id, Channel.input, rest.subarray(0, size))
      rest = rest.subarray(size)
    }
  }

  #room(forCredit: boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
      if (!forCredit) this.#link.onceDrained(resolve)
    })
  }
}
