// SPDX-License-Identifier: Apache-2.0
import { unusable } from './argument-error.ts'

export type KeyValues = Readonly<Record<string, string>>

/** Collects `KEY=VALUE`; the last one of a key counts. @throws {ArgumentError} */
export function collectKeyValue(name: string, key: RegExp, text: string, previous: KeyValues = {}): KeyValues {
  const equals = text.indexOf('=')
  const found = text.slice(0, equals)
  if (equals === -1 || !key.test(found)) throw unusable(name, text, 'KEY=VALUE')
  return { ...previous, [found]: text.slice(equals + 1) }
}

export const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
export const LABEL_NAME = /^.{1,63}$/
