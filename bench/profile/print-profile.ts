// SPDX-License-Identifier: Apache-2.0
import { isFailure } from '../measure/run-rounds.ts'
import type { MeasuredRow } from '../rows/measure-row.ts'
import { number } from '../report/row-lines.ts'
import { renderTable } from '../report/table.ts'
import { summarize } from '../statistics/quantile.ts'

/** Where the time of each participant goes, as far as it tells. */
export function printProfile(measured: readonly MeasuredRow[]): void {
  for (const row of measured) {
    if (row.kind !== 'compared') continue
    for (const { participant, rounds } of row.rounds.series) {
      const parts = rounds.flatMap((outcome) =>
        isFailure(outcome) || outcome.parts === undefined ? [] : [outcome.parts],
      )
      const names = Object.keys(parts[0] ?? {})
      if (names.length === 0) continue
      const lines = names.map((name) => {
        const { min, p50 } = summarize(parts.flatMap((part) => part[name] ?? []))
        return [name, number(min), number(p50)]
      })
      console.log(`\n${row.row.id} ${participant.name}: ${row.row.unit} by part`)
      console.log(renderTable(['part', 'min', 'p50'], lines, new Set(['min', 'p50'])))
    }
  }
}
