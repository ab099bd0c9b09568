// SPDX-License-Identifier: Apache-2.0
import type { Process } from '@isola/sdk'

/** Reads a process's output until it contains `text`; what was read. The rest of the output is let go. */
export async function untilOutput(running: Process, text: string): Promise<string> {
  let seen = ''
  for await (const { bytes } of running.output()) {
    seen += Buffer.from(bytes).toString('latin1')
    if (seen.includes(text)) return seen
  }
  throw new Error(`the process ended without saying ${JSON.stringify(text)}: ${JSON.stringify(seen)}`)
}

/** Output of a running process that is read step by step. */
export class Transcript {
  readonly #chunks: AsyncIterator<{ bytes: Uint8Array }>
  #unread = ''
  #read = ''

  constructor(running: Process) {
    this.#chunks = running.output()[Symbol.asyncIterator]()
  }

  /** Everything up to and including `text`. */
  async until(text: string): Promise<string> {
    while (!this.#unread.includes(text)) {
      const next = await this.#chunks.next()
      if (next.done === true)
        throw new Error(`the process ended without saying ${JSON.stringify(text)}: ${JSON.stringify(this.#unread)}`)
      this.#unread += Buffer.from(next.value.bytes).toString('latin1')
    }
    const end = this.#unread.indexOf(text) + text.length
    const read = this.#unread.slice(0, end)
    this.#unread = this.#unread.slice(end)
    this.#read += read
    return read
  }

  /** Everything from the beginning to the end. */
  async whole(): Promise<string> {
    return this.#read + (await this.rest())
  }

  /** Everything that is still to come. */
  async rest(): Promise<string> {
    for (let next = await this.#chunks.next(); next.done !== true; next = await this.#chunks.next()) {
      this.#unread += Buffer.from(next.value.bytes).toString('latin1')
    }
    return this.#unread
  }
}
