// SPDX-License-Identifier: Apache-2.0
import type { ErrorBody } from './error-body.ts'
import { type ErrorCode, errors, isErrorCode } from './registry.ts'

export interface ErrorDetails {
  readonly hint?: string
  readonly context?: Record<string, unknown>
  readonly cause?: unknown
}

const BRAND = Symbol.for('isola.error')

/** The one error class. Branded, so that two copies of this package recognise each other's errors. */
export class IsolaError extends Error {
  readonly code: ErrorCode
  readonly hint: string
  readonly context: Record<string, unknown>
  readonly [BRAND] = true

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'IsolaError'
    this.code = code
    this.hint = details.hint ?? errors[code].hint
    this.context = details.context ?? {}
  }

  get status(): number {
    return errors[this.code].status
  }

  get retryable(): boolean {
    return errors[this.code].retryable
  }

  static is(value: unknown): value is IsolaError {
    return typeof value === 'object' && value !== null && BRAND in value
  }

  toBody(): ErrorBody {
    const { code, message, hint, context, retryable } = this
    return { error: { code, message, hint, context, retryable } }
  }

  /** An error that arrived over a wire; a code that this version does not know becomes `server.internal`. */
  static fromWire(wire: {
    code: string
    message: string
    hint?: string
    context?: Record<string, unknown> | undefined
  }): IsolaError {
    const code = isErrorCode(wire.code) ? wire.code : 'server.internal'
    return new IsolaError(code, wire.message, {
      ...(wire.hint === undefined ? {} : { hint: wire.hint }),
      context: code === wire.code ? (wire.context ?? {}) : { ...wire.context, code: wire.code },
    })
  }
}
