// SPDX-License-Identifier: Apache-2.0
import { parseArgs } from 'node:util'

/** `quick` shows that everything runs; `normal` gives numbers; `full` is what a release is judged by. */
export type Effort = 'quick' | 'normal' | 'full'

export interface BenchOptions {
  /** Ids of rows; empty for all. */
  readonly only: readonly string[]
  readonly effort: Effort
  readonly jsonFile: string | undefined
  readonly profile: boolean
  readonly help: boolean
  readonly seed: number
}

export const USAGE = `npm run bench -- [--only B1,B2] [--quick | --full] [--profile] [--json FILE] [--seed N]

  --only ROWS   only these rows, for example B1,B14
  --quick       few rounds: to see that it runs, not to quote
  --full        as many rounds as a release is judged by (B13: 10,000 cycles in place of 2,000)
  --profile     also print where the time of B1 and B2 goes
  --json FILE   write every sample, with the environment
  --seed N      order of turns and resampling (default: a new one, printed)`

/** @throws {Error} one line that says which option is wrong */
export function readOptions(args: readonly string[], rowIds: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
      full: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      json: { type: 'string' },
      seed: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.quick && values.full) throw new Error('--quick and --full exclude each other')
  const only = (values.only ?? '')
    .split(',')
    .map((id) => id.trim().toUpperCase())
    .filter((id) => id !== '')
  const unknown = only.find((id) => !rowIds.includes(id))
  if (unknown !== undefined)
    throw new Error(`--only ${unknown}: no such row (there are ${[...new Set(rowIds)].join(', ')})`)
  const seed = values.seed === undefined ? Date.now() % 2 ** 32 : Number(values.seed)
  if (!Number.isInteger(seed) || seed < 0) throw new Error(`--seed ${values.seed}: not a whole number`)
  const effort = values.quick ? 'quick' : values.full ? 'full' : 'normal'
  return { only, effort, jsonFile: values.json, profile: values.profile, help: values.help, seed }
}
