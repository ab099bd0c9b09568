// SPDX-License-Identifier: Apache-2.0
/** Something on the command line that cannot be used: what was given, and what is expected. */
export class ArgumentError extends Error {
  readonly hint: string

  constructor(message: string, hint: string) {
    super(message)
    this.name = 'ArgumentError'
    this.hint = hint
  }
}

export function unusable(name: string, given: string, expected: string): ArgumentError {
  return new ArgumentError(`${name}: ${JSON.stringify(given)} cannot be used`, `write ${expected}`)
}
