// SPDX-License-Identifier: Apache-2.0
import type { ByteChannel } from '../src/index.ts'

const FULL_BYTES = 1024 * 1024

/** Two ends of one connection in memory. Bytes arrive in a later microtask, as one array per write. */
export function memoryChannels(): [MemoryEnd, MemoryEnd] {
  const left = new MemoryEnd()
  const right = new MemoryEnd()
  left.peer = right
  right.peer = left
  return [left, right]
}

export class MemoryEnd implements ByteChannel {
  peer!: MemoryEnd
  /** Written by this end and not yet taken by the other. */
  outstandingBytes = 0
  isClosed = false
  readonly #inbox: Uint8Array[] = []
  #taken = 0
  #onData: ((chunk: Uint8Array) => void) | undefined
  #onDrain: (() => void) | undefined
  #onClose: ((error?: Error) => void) | undefined
  #paused = false
  #delivering = false

  write(chunk: Uint8Array): boolean {
    if (this.isClosed) return false
    this.outstandingBytes += chunk.length
    this.peer.#inbox.push(chunk)
    this.peer.#deliverSoon()
    return this.outstandingBytes < FULL_BYTES
  }

  onData(listener: (chunk: Uint8Array) => void): void {
    this.#onData = listener
    this.#deliverSoon()
  }

  onDrain(listener: () => void): void {
    this.#onDrain = listener
  }

  onClose(listener: (error?: Error) => void): void {
    this.#onClose = listener
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#deliverSoon()
  }

  close(error?: Error): void {
    if (this.isClosed) return
    this.isClosed = true
    queueMicrotask(() => {
      this.#onClose?.(error)
      this.peer.close(error)
    })
  }

  #deliverSoon(): void {
    if (this.#delivering) return
    this.#delivering = true
    queueMicrotask(() => {
      this.#delivering = false
      while (!this.#paused && !this.isClosed && this.#onData !== undefined) {
        const chunk = this.#inbox[this.#taken]
        if (chunk === undefined) {
          this.#inbox.length = this.#taken = 0
          return
        }
        this.#taken += 1
        const wasFull = this.peer.outstandingBytes >= FULL_BYTES
        this.peer.outstandingBytes -= chunk.length
        this.#onData(chunk)
        if (wasFull && this.peer.outstandingBytes < FULL_BYTES) this.peer.#onDrain?.()
      }
    })
  }
}
