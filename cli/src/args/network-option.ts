// SPDX-License-Identifier: Apache-2.0
import { type NetworkPolicy, NetworkSyntaxError, parseNetwork } from '@isola/sdk'
import { ArgumentError } from './argument-error.ts'

/** The value of `--net`. */
export function parseNet(words: string): NetworkPolicy | 'none' {
  try {
    return parseNetwork(words)
  } catch (error) {
    if (error instanceof NetworkSyntaxError) throw new ArgumentError(`--net: ${error.message}`, error.hint)
    throw error
  }
}
