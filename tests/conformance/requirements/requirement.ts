// SPDX-License-Identifier: Apache-2.0

/** What a host must be able to do before a requirement can be tried on it. */
export type Need =
  | 'root-inside'
  | 'memory'
  | 'cpu'
  | 'pids'
  | 'disk'
  | 'openFiles'
  | 'no-memory-limit'
  | 'no-pids-limit'

/** A behaviour that Isola promises, whatever driver is underneath. */
export interface Requirement {
  readonly sentence: string
  /** Where it is promised. */
  readonly source: string
  readonly needs?: Need
}
