// SPDX-License-Identifier: Apache-2.0
import { findProgram } from '../host/find-program.host.ts'

/** @throws when it is not installed, which is then the reason in the table */
export function requireProgram(name: string): string {
  const found = findProgram(name)
  if (found === undefined) throw new Error(`${name} is not installed`)
  return found
}
