// SPDX-License-Identifier: Apache-2.0
import { INITIAL_CREDIT_BYTES } from '../limits.ts'

/** How much the other side may still be sent on one channel. */
export class SendWindow {
  #available = INITIAL_CREDIT_BYTES

  get availableBytes(): number {
    return this.#available
  }

  grant(bytes: number): void {
    this.#available += bytes
  }

  /** @throws {RangeError} when more is sent than was granted: a fault of the caller. */
  spend(bytes: number): void {
    if (bytes > this.#available) throw new RangeError(`sent ${bytes} bytes with a credit of ${this.#available}`)
    this.#available -= bytes
  }
}

/**
 * What was granted to the other side. Credit is returned in batches of half a window, so that a
 * fast stream costs one small frame per 512 KiB rather than one per chunk.
 */
export class ReceiveWindow {
  #outstanding = INITIAL_CREDIT_BYTES
  #consumed = 0

  /** False when the sender overran its credit, which is a protocol error. */
  receive(bytes: number): boolean {
    this.#outstanding -= bytes
    return this.#outstanding >= 0
  }

  /** Bytes to grant now, after the consumer has taken `bytes`; 0 while it is not worth a frame. */
  consume(bytes: number): number {
    this.#consumed += bytes
    if (this.#consumed < INITIAL_CREDIT_BYTES / 2) return 0
    const grant = this.#consumed
    this.#consumed = 0
    this.#outstanding += grant
    return grant
  }
}
