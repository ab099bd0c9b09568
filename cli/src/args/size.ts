// SPDX-License-Identifier: Apache-2.0
import { unusable } from './argument-error.ts'

const UNIT_MIB: Record<string, number> = { k: 1 / 1024, m: 1, g: 1024, t: 1024 * 1024 }

/** `512m`, `1.5g` as MiB, rounded up. @throws {ArgumentError} */
export function parseSizeMib(name: string, text: string, range: { minMib: number; maxMib: number }): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)([kmgt])(?:i?b)?$/i.exec(text) ?? []
  const sizeMib = Math.ceil(Number(number) * (UNIT_MIB[(unit ?? '').toLowerCase()] ?? Number.NaN))
  if (!(sizeMib >= range.minMib && sizeMib <= range.maxMib)) {
    throw unusable(name, text, `a size such as 512m or 2g, from ${range.minMib}m to ${range.maxMib / 1024 / 1024}t`)
  }
  return sizeMib
}
