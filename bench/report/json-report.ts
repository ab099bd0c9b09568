// SPDX-License-Identifier: Apache-2.0
import type { BenchOptions } from '../options.ts'
import type { MeasuredRow } from '../rows/measure-row.ts'
import type { Environment } from './environment.host.ts'

/** Every sample, untrimmed, in the order in which it was taken. */
export function jsonReport(
  options: BenchOptions,
  environment: Environment & { readonly loadAfter: number },
  measured: readonly MeasuredRow[],
): string {
  const { effort, seed } = options
  return `${JSON.stringify({ format: 1, effort, seed, environment, rows: measured.map(rowJson) }, null, 1)}\n`
}

function rowJson(measured: MeasuredRow): unknown {
  const { id, title } = measured.row
  if (measured.kind === 'soak') return { id, title, ...measured.result }
  const { rounds, judged, row } = measured
  return {
    id,
    title,
    unit: row.unit,
    control: rounds.control,
    participants: rounds.series.map(({ participant, rounds: samples, cpuMsPerOperation }) => ({
      name: participant.name,
      isolation: participant.isolation,
      cpuMsPerOperation,
      samples,
    })),
    promises: judged.map(({ comparison: { ours, theirs, promise, atMost }, verdict }) => ({
      ours,
      theirs,
      promise,
      atMost,
      verdict,
    })),
  }
}
