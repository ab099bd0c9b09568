// SPDX-License-Identifier: Apache-2.0
/** Something that cannot be copied, and what to do about it. */
export class CopyError extends Error {
  readonly hint: string

  constructor(message: string, hint: string) {
    super(message)
    this.name = 'CopyError'
    this.hint = hint
  }
}
