// SPDX-License-Identifier: Apache-2.0

/** What can go wrong on this side of the wire. Whatever the server says is an `IsolaError`. */
export type SdkErrorCode =
  /** A value given to this client cannot be used. */
  | 'argument.invalid'
  /** `check: true` was asked for and the command did not end with 0. */
  | 'command.failed'
  /** The process has ended, so it takes no more input. */
  | 'process.ended'
  /** The output of a process is read by one consumer only. */
  | 'output.taken'
  /** The server spoke something that is not the protocol. */
  | 'protocol.broken'
  /** A listing is longer than the limit that was assumed. */
  | 'list.truncated'

const BRAND = Symbol.for('isola.sdk-error')

/** An error of the client itself. Branded, so that two copies of this package recognise each other's errors. */
export class SdkError extends Error {
  readonly code: SdkErrorCode
  readonly hint: string
  readonly [BRAND] = true

  constructor(code: SdkErrorCode, message: string, hint: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'SdkError'
    this.code = code
    this.hint = hint
  }

  static is(value: unknown): value is SdkError {
    return typeof value === 'object' && value !== null && BRAND in value
  }
}
