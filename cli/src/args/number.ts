// SPDX-License-Identifier: Apache-2.0
import { unusable } from './argument-error.ts'

/** A whole number within a range. @throws {ArgumentError} */
export function parseCount(name: string, text: string, range: { min: number; max: number }): number {
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!(count >= range.min && count <= range.max))
    throw unusable(name, text, `a whole number from ${range.min} to ${range.max}`)
  return count
}

/** Cores: `2`, `0.5`. @throws {ArgumentError} */
export function parseCpus(name: string, text: string): number {
  const cpus = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (!(cpus > 0 && cpus <= 1024)) throw unusable(name, text, 'a number of cores such as 2 or 0.5')
  return cpus
}
