// SPDX-License-Identifier: Apache-2.0
import { isFailure, type Rounds, type Series } from '../measure/run-rounds.ts'
import type { Absence } from '../participants/participant.ts'
import type { Comparison, ComparedRow, SoakResult, SoakRow } from '../rows/row.ts'
import { summarize } from '../statistics/quantile.ts'
import type { TableLine } from './table.ts'
import type { Verdict } from './verdict.ts'

export const HEADER = [
  'row',
  'who',
  'isolation',
  'n',
  'failed',
  'min',
  'p50',
  'p95',
  'p99',
  'CPU/op',
  'teardown',
  'promise',
  'measured',
  'verdict',
]
export const NUMERIC: ReadonlySet<string> = new Set(['n', 'failed', 'min', 'p50', 'p95', 'p99', 'CPU/op', 'teardown'])
const NUMBER_COLUMNS = 7

export interface Judged {
  readonly comparison: Comparison
  readonly verdict: Verdict
}

/** A line for each who took part, then one for each promise that was held to it. */
export function comparedLines(
  row: ComparedRow,
  rounds: Rounds,
  judged: readonly Judged[],
  absences: readonly Absence[],
): TableLine[] {
  return [
    [row.id, row.title],
    ...rounds.series.map((series) => seriesLine(row, series)),
    ...rounds.series.flatMap(firstFailure),
    ...judged.map(({ comparison, verdict }) => promiseLine(comparison, verdict, rounds)),
    ...absences.map(({ name, isolation, reason }) => [
      '',
      name,
      isolation,
      ...blanks(),
      '',
      `not runnable here: ${reason}`,
    ]),
  ]
}

export function soakLines(row: SoakRow, result: SoakResult): TableLine[] {
  const { min, p50, p95, p99 } = summarize(result.cycleMs)
  const cycle = [min, p50, p95, p99].map((value) => number(value))
  return [
    [row.id, row.title],
    ['', 'one cycle (ms)', '', String(result.cycles), String(result.failures.length), ...cycle],
    ...result.growths.map(({ what, before, after, perThousand, unit, promise, kept }) => {
      const measured = `${number(before)} → ${number(after)} ${unit}; ${number(perThousand)} per 1000`
      return ['', what, '', ...blanks(), promise, measured, kept && result.failures.length === 0 ? 'kept' : 'MISSED']
    }),
  ]
}

function seriesLine(row: ComparedRow, { participant, rounds, cpuMsPerOperation }: Series): TableLine {
  const good = rounds.flatMap((outcome) => (isFailure(outcome) ? [] : [outcome]))
  const { min, p50, p95, p99 } = summarize(good.map((sample) => sample.value))
  const teardowns = good.flatMap(({ teardownMs }) => (teardownMs === undefined ? [] : [teardownMs]))
  return [
    '',
    row.unit === 'ms' ? participant.name : `${participant.name} (${row.unit})`,
    participant.isolation,
    String(rounds.length),
    String(rounds.length - good.length),
    ...[min, p50, p95, p99].map(number),
    cpuMsPerOperation === null ? 'not counted' : number(cpuMsPerOperation),
    teardowns.length === 0 ? '' : number(summarize(teardowns).p50),
  ]
}

/** Why, in the words of the first that failed. */
function firstFailure({ participant, rounds }: Series): TableLine[] {
  const failure = rounds.find(isFailure)
  return failure === undefined
    ? []
    : [['', participant.name, participant.isolation, ...blanks(), '', `failed: ${failure.error}`]]
}

function promiseLine(comparison: Comparison, verdict: Verdict, rounds: Rounds): TableLine {
  const isolation = (name: string): string =>
    rounds.series.find(({ participant }) => participant.name === name)?.participant.isolation ?? ''
  const classes = [isolation(comparison.ours), isolation(comparison.theirs)]
  const across = classes[0] === classes[1] ? (classes[0] ?? '') : classes.join(' against ')
  const start = ['', `→ ${comparison.ours}`, across, ...blanks(), comparison.promise]
  if (verdict.kind === 'refused') return [...start, 'no number', verdict.reason]
  const suffix = comparison.shown === 'times' ? ' ×' : ' ms'
  const { value, low, high } = verdict.estimate
  const measured = `${number(value)}${suffix} [${number(low)}, ${number(high)}]`
  return [...start, measured, `${verdict.kind === 'kept' ? 'kept' : 'MISSED'}${verdict.certain ? '' : ', not certain'}`]
}

const blanks = (): string[] => Array.from({ length: NUMBER_COLUMNS + 1 }, () => '')

/** Three digits that mean something. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return '–'
  const size = Math.abs(value)
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3)
}
