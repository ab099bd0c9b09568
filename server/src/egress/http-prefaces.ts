// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto'

const TOKEN_BYTES = 16
/** The line that the relay writes first, without its end. */
export const PREFACE_CHARACTERS = 2 * TOKEN_BYTES

/**
 * The connections that are about to be handed over, by the token that proves it. Only the relay learns a token, and
 * each is good for one connection and a few seconds.
 */
export class HttpPrefaces<T> {
  readonly #expected = new Map<string, { readonly value: T; readonly timer: NodeJS.Timeout }>()
  readonly #forgetAfterMs: number

  constructor(forgetAfterMs: number) {
    this.#forgetAfterMs = forgetAfterMs
  }

  issue(value: T): string {
    const token = randomBytes(TOKEN_BYTES).toString('hex')
    const timer = setTimeout(() => this.#expected.delete(token), this.#forgetAfterMs).unref()
    this.#expected.set(token, { value, timer })
    return token
  }

  take(token: string): T | undefined {
    const found = this.#expected.get(token)
    if (found === undefined) return undefined
    clearTimeout(found.timer)
    this.#expected.delete(token)
    return found.value
  }

  clear(): void {
    for (const { timer } of this.#expected.values()) clearTimeout(timer)
    this.#expected.clear()
  }
}
