// SPDX-License-Identifier: Apache-2.0
import { FRAME_HEADER_BYTES } from '../limits.ts'
import { decodeHeader, FRAME_MAGIC, type Frame, FrameError, type FrameHeader, FrameType } from './frame.ts'

/** Of the magic. */
const FIRST_BYTE = FRAME_MAGIC >>> 24

/**
 * Turns a byte stream into frames.
 *
 * `strict` is for sockets: anything that is not a frame is an error and the stream is over.
 * `resync` is for serial lines: bytes are skipped until a header fits, and frames of another
 * epoch are dropped, except `hello`, with which a new epoch begins.
 */
export class FrameReader {
  readonly #mode: 'strict' | 'resync'
  #epoch: number | undefined
  #chunks: Uint8Array[] = []
  #buffered = 0
  #header: FrameHeader | undefined
  /** Bytes that were thrown away while looking for a frame (`resync` only). */
  skippedBytes = 0

  constructor(mode: 'strict' | 'resync' = 'strict', epoch?: number) {
    this.#mode = mode
    this.#epoch = epoch
  }

  set epoch(epoch: number | undefined) {
    this.#epoch = epoch
  }

  /**
   * Frames completed by `chunk`. Payloads may be views into the chunk: use or copy them before
   * the chunk's memory is reused.
   * @throws {FrameError} in strict mode.
   */
  *push(chunk: Uint8Array): Generator<Frame, void, undefined> {
    this.#chunks.push(chunk)
    this.#buffered += chunk.length
    for (;;) {
      const header = this.#header ?? this.#nextHeader()
      if (header === undefined) return
      this.#header = header
      if (this.#buffered < header.length) return
      const payload = this.#take(header.length)
      this.#header = undefined
      if (this.#accepts(header)) {
        const { length: _, ...rest } = header
        yield { ...rest, payload }
      }
    }
  }

  #nextHeader(): FrameHeader | undefined {
    while (this.#buffered >= FRAME_HEADER_BYTES) {
      const bytes = this.#peek(FRAME_HEADER_BYTES)
      if (this.#mode === 'resync' && this.#skipNoise(bytes)) continue
      try {
        const header = decodeHeader(bytes)
        this.#take(FRAME_HEADER_BYTES)
        return header
      } catch (error) {
        if (this.#mode === 'strict' || !(error instanceof FrameError)) throw error
        this.#skip(1)
      }
    }
    return undefined
  }

  /** Passes over bytes that cannot begin a frame, much faster than by trying each of them. */
  #skipNoise(bytes: Uint8Array): boolean {
    const start = bytes.indexOf(FIRST_BYTE)
    const noise = start === -1 ? bytes.length : start
    if (noise > 0) this.#skip(noise)
    return noise > 0
  }

  #skip(bytes: number): void {
    this.#take(bytes)
    this.skippedBytes += bytes
  }

  #accepts(header: FrameHeader): boolean {
    if (this.#epoch === undefined || header.epoch === this.#epoch) return true
    if (header.type === FrameType.hello) return true
    if (this.#mode === 'strict') {
      throw new FrameError('epoch', `frame of epoch ${header.epoch} on a channel of epoch ${this.#epoch}`)
    }
    return false
  }

  /** The first `size` buffered bytes as one array; joins chunks only when a value spans them. */
  #peek(size: number): Uint8Array {
    const first = this.#chunks[0] as Uint8Array
    if (first.length >= size) return first
    const joined = new Uint8Array(this.#buffered)
    let offset = 0
    for (const chunk of this.#chunks) {
      joined.set(chunk, offset)
      offset += chunk.length
    }
    this.#chunks = [joined]
    return joined
  }

  #take(size: number): Uint8Array {
    if (size === 0) return new Uint8Array(0)
    const bytes = this.#peek(size)
    const taken = bytes.subarray(0, size)
    if (bytes.length === size) this.#chunks.shift()
    else this.#chunks[0] = bytes.subarray(size)
    this.#buffered -= size
    return taken
  }
}
