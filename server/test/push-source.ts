// SPDX-License-Identifier: Apache-2.0

/** An async source that a test fills by hand; knows how much of it was taken. */
export class PushSource implements AsyncIterable<Uint8Array> {
  readonly #chunks: Uint8Array[] = []
  #end: { readonly error?: Error } | undefined
  #wake: (() => void) | undefined
  takenBytes = 0
  isAbandoned = false

  push(chunk: Uint8Array | string): void {
    this.#chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
    this.#wake?.()
  }

  end(error?: Error): void {
    this.#end ??= error === undefined ? {} : { error }
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    let isComplete = false
    try {
      for (;;) {
        const chunk = this.#chunks.shift()
        if (chunk !== undefined) {
          this.takenBytes += chunk.length
          yield chunk
        } else if (this.#end !== undefined) {
          isComplete = true
          if (this.#end.error !== undefined) throw this.#end.error
          return
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve
          })
        }
      }
    } finally {
      this.isAbandoned = !isComplete
    }
  }
}
