// SPDX-License-Identifier: Apache-2.0
import { ArgumentError, unusable } from '../args/argument-error.ts'

export type Endpoint =
  | { readonly kind: 'stream' }
  | { readonly kind: 'local'; readonly path: string }
  | { readonly kind: 'sandbox'; readonly sandbox: string; readonly path: string }

/** `SANDBOX:PATH`, a local path, or `-`. A local path with a colon is written with `./` before it. */
export function parseEndpoint(text: string): Endpoint {
  if (text === '-') return { kind: 'stream' }
  const [, sandbox, path] = /^([a-z0-9][a-z0-9-]*):(.*)$/s.exec(text) ?? []
  if (sandbox === undefined) {
    if (text === '') throw unusable('cp', text, 'a path, SANDBOX:PATH, or -')
    return { kind: 'local', path: text }
  }
  return { kind: 'sandbox', sandbox, path: path || '.' }
}

export type Transfer =
  | {
      readonly direction: 'in'
      readonly from: Exclude<Endpoint, { kind: 'sandbox' }>
      readonly to: Endpoint & { kind: 'sandbox' }
    }
  | {
      readonly direction: 'out'
      readonly from: Endpoint & { kind: 'sandbox' }
      readonly to: Exclude<Endpoint, { kind: 'sandbox' }>
    }

/** @throws {ArgumentError} unless exactly one side is a sandbox */
export function parseTransfer(source: string, target: string): Transfer {
  const from = parseEndpoint(source)
  const to = parseEndpoint(target)
  if (from.kind === 'sandbox' && to.kind !== 'sandbox') return { direction: 'out', from, to }
  if (from.kind !== 'sandbox' && to.kind === 'sandbox') return { direction: 'in', from, to }
  throw new ArgumentError(
    `cp: ${source} to ${target}: one side has to be a sandbox, the other not`,
    'write SANDBOX:PATH on one side',
  )
}

/** `SRC[:DST]` of `--copy`, collected. */
export function parseCopy(
  text: string,
  all: readonly { source: string; target: string | undefined }[] = [],
): readonly { source: string; target: string | undefined }[] {
  const colon = text.lastIndexOf(':')
  const [source, target] = colon === -1 ? [text, undefined] : [text.slice(0, colon), text.slice(colon + 1)]
  if (source === '' || target === '') throw unusable('--copy', text, 'SRC or SRC:DST')
  return [...all, { source, target }]
}
