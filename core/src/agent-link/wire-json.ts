// SPDX-License-Identifier: Apache-2.0
import { type ErrorCode, IsolaError, isErrorCode, WireFailure } from '@isola/protocol'
import { ProtocolBreach } from './frame-link.ts'

const decoder = new TextDecoder('utf-8', { fatal: true })

/** @throws {ProtocolBreach} when the payload is not a JSON object. */
export function parseJson(payload: Uint8Array, what: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(decoder.decode(payload))
  } catch (error) {
    throw new ProtocolBreach(`${what} is not JSON`, { cause: error })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ProtocolBreach(`${what} is not an object`)
  return value as Record<string, unknown>
}

/** What is needed of a schema; the schemas themselves are in the protocol. */
export interface Shape<Value> {
  safeParse(
    value: unknown,
  ):
    | { success: true; data: Value }
    | { success: false; error: { issues: readonly { path: readonly PropertyKey[]; message: string }[] } }
}

/** @throws {ProtocolBreach} when the value has not the shape that the protocol gives it. */
export function parseShape<Value>(shape: Shape<Value>, value: unknown, what: string): Value {
  const parsed = shape.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new ProtocolBreach(
    `${what}: ${issue?.path.map(String).join('.') ?? ''} ${issue?.message ?? 'has the wrong shape'}`,
  )
}

/** Codes that may come from this peer, and the one that stands for any other. */
export interface FailureCodes {
  readonly allows: (code: ErrorCode) => boolean
  readonly otherwise: ErrorCode
  /** Where the registry's hint would not fit, coming from this peer. */
  readonly hints?: Readonly<Partial<Record<ErrorCode, string>>>
}

/** A failure as the peer told it. Its words may reach a terminal, so control characters are taken out. */
export function failureFrom(value: unknown, codes: FailureCodes, what: string): IsolaError {
  const wire = parseShape(WireFailure, value, `${what} failure`)
  const known = isErrorCode(wire.code) && codes.allows(wire.code)
  const code = known ? (wire.code as ErrorCode) : codes.otherwise
  const hint = codes.hints?.[code]
  const context = plainContext(wire.context ?? {})
  return new IsolaError(code, printable(wire.message), {
    ...(hint === undefined ? {} : { hint }),
    context: known ? context : { ...context, code: printable(wire.code) },
  })
}

const MAX_CONTEXT_ENTRIES = 16
const MAX_CONTEXT_TEXT = 4096

function plainContext(context: Record<string, unknown>): Record<string, unknown> {
  const plain: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(context).slice(0, MAX_CONTEXT_ENTRIES)) {
    if (typeof value === 'string') plain[printable(key)] = printable(value.slice(0, MAX_CONTEXT_TEXT))
    else if (typeof value === 'number' || typeof value === 'boolean' || value === null) plain[printable(key)] = value
  }
  return plain
}

function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
}
