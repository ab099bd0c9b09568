// SPDX-License-Identifier: Apache-2.0

const BLOCK_BYTES = 16 * 1024

/**
 * Chunks in order. Small ones are gathered into blocks, so that a client which sends single bytes
 * makes the server hold bytes, not objects.
 */
export class ChunkQueue {
  readonly #chunks: Uint8Array[] = []
  #block: Buffer | undefined
  #used = 0

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    if (chunk.length > BLOCK_BYTES / 2) {
      this.#seal()
      this.#chunks.push(chunk)
      return
    }
    if (this.#used + chunk.length > BLOCK_BYTES) this.#seal()
    this.#block ??= Buffer.allocUnsafeSlow(BLOCK_BYTES)
    this.#block.set(chunk, this.#used)
    this.#used += chunk.length
  }

  shift(): Uint8Array | undefined {
    if (this.#chunks.length === 0) this.#seal()
    return this.#chunks.shift()
  }

  #seal(): void {
    if (this.#block === undefined) return
    this.#chunks.push(this.#block.subarray(0, this.#used))
    this.#block = undefined
    this.#used = 0
  }
}
