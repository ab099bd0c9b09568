// SPDX-License-Identifier: Apache-2.0

/** What was read is not what it says it is. */
export class MalformedBytes extends Error {}

/** Reads numbers and vectors as TLS writes them (RFC 8446, section 3), never past the end. */
export class ByteReader {
  readonly #bytes: Uint8Array
  #offset = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#offset === this.#bytes.length
  }

  take(lengthBytes: number): Uint8Array {
    const end = this.#offset + lengthBytes
    if (end > this.#bytes.length) throw new MalformedBytes('a length points past the end')
    const taken = this.#bytes.subarray(this.#offset, end)
    this.#offset = end
    return taken
  }

  uint(sizeBytes: 1 | 2 | 3): number {
    return this.take(sizeBytes).reduce((value, byte) => value * 256 + byte, 0)
  }

  /** Bytes behind their own length. */
  vector(lengthSizeBytes: 1 | 2): Uint8Array {
    return this.take(this.uint(lengthSizeBytes))
  }

  expectEnd(what: string): void {
    if (!this.isAtEnd) throw new MalformedBytes(`there is more than ${what}`)
  }
}
