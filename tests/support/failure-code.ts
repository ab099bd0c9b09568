// SPDX-License-Identifier: Apache-2.0

/** The code that a promise fails with, or `ok`. */
export function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'ok',
    (error: Error & { code?: string }) => error.code ?? error.message,
  )
}
