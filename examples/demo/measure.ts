// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** Median of the milliseconds that `work` takes. */
export async function medianMs(repetitions: number, work: () => Promise<void>): Promise<number> {
  const times: number[] = []
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const start = performance.now()
    await work()
    times.push(performance.now() - start)
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN
}

export interface BareOptions {
  readonly cwd: string
  /** All of it: what this machine sets, certificates to be read for one, would be part of the time. */
  readonly env: Readonly<Record<string, string>>
}

/** Runs a program of this repository without any sandbox. Never used for what is not trusted. */
export async function runBare(program: string, args: readonly string[], options: BareOptions): Promise<number | null> {
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  // Inside its output is read as well.
  child.stdout.resume()
  child.stderr.resume()
  const [code] = (await once(child, 'close')) as [number | null]
  return code
}
