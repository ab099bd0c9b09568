// SPDX-License-Identifier: Apache-2.0
export type OutputStream = 'stdout' | 'stderr'

export interface OutputChunk {
  readonly stream: OutputStream
  readonly bytes: Uint8Array
}

/**
 * Output between the connection and its one consumer. It holds no more than the credit that was
 * granted, because `onTaken` is what grants more: a slow consumer slows the process, not the heap.
 */
export class OutputQueue implements AsyncIterable<OutputChunk> {
  readonly #onTaken: (chunk: OutputChunk) => void
  readonly #chunks: OutputChunk[] = []
  #waiting: PromiseWithResolvers<IteratorResult<OutputChunk, undefined>> | undefined
  #over: { readonly error?: unknown } | undefined
  #discarding = false

  constructor(onTaken: (chunk: OutputChunk) => void) {
    this.#onTaken = onTaken
  }

  push(chunk: OutputChunk): void {
    if (this.#over !== undefined) return
    if (this.#discarding) {
      this.#onTaken(chunk)
    } else if (this.#waiting === undefined) {
      this.#chunks.push(chunk)
    } else {
      const { resolve } = this.#waiting
      this.#waiting = undefined
      this.#onTaken(chunk)
      resolve({ done: false, value: chunk })
    }
  }

  /** No more will come; with an error the consumer gets that after what it has not read yet. */
  end(over: { readonly error?: unknown } = {}): void {
    if (this.#over !== undefined) return
    this.#over = over
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting === undefined) return
    if ('error' in over) waiting.reject(over.error)
    else waiting.resolve({ done: true, value: undefined })
  }

  /** Lets go of what is there and of all that comes, so that nobody waits for a reader. */
  discard(): void {
    this.#discarding = true
    for (const chunk of this.#chunks.splice(0)) this.#onTaken(chunk)
  }

  [Symbol.asyncIterator](): AsyncIterator<OutputChunk, undefined> {
    return {
      next: () => this.#next(),
      return: async () => {
        this.discard()
        return { done: true, value: undefined }
      },
    }
  }

  async #next(): Promise<IteratorResult<OutputChunk, undefined>> {
    const chunk = this.#chunks.shift()
    if (chunk !== undefined) {
      this.#onTaken(chunk)
      return { done: false, value: chunk }
    }
    if (this.#over !== undefined) {
      if ('error' in this.#over) throw this.#over.error
      return { done: true, value: undefined }
    }
    this.#waiting ??= Promise.withResolvers()
    return this.#waiting.promise
  }
}
