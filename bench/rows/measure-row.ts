// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync } from 'node:fs'
import path from 'node:path'
import { type Rounds, runRounds } from '../measure/run-rounds.ts'
import { startSpawnControl } from '../measure/spawn-control.ts'
import type { Absence, Participant } from '../participants/participant.ts'
import { isAbsent } from '../participants/peer.ts'
import { comparedLines, type Judged, soakLines } from '../report/row-lines.ts'
import type { TableLine } from '../report/table.ts'
import { judge } from '../report/verdict.ts'
import type { RandomSource } from '../statistics/random.ts'
import type { BenchPlace } from './place.ts'
import type { ComparedRow, Row, SoakResult, SoakRow } from './row.ts'

const WARMUP_MS = { quick: 500, normal: 5000, full: 5000 } as const

export type MeasuredRow =
  | {
      readonly kind: 'compared'
      readonly row: ComparedRow
      readonly rounds: Rounds
      readonly judged: readonly Judged[]
      readonly lines: readonly TableLine[]
    }
  | { readonly kind: 'soak'; readonly row: SoakRow; readonly result: SoakResult; readonly lines: readonly TableLine[] }

export async function measureRow(row: Row, bench: BenchPlace, random: RandomSource): Promise<MeasuredRow> {
  // Names of participants come again in other rows; their states must not.
  const place = { ...bench, scratch: mkdtempSync(path.join(bench.scratch, 'r')) }
  place.say(`${row.id}: setting up`)
  if (row.kind === 'compared') return measureCompared(row, place, random)
  const result = await row.run(place)
  return { kind: 'soak', row, result, lines: soakLines(row, result) }
}

async function measureCompared(row: ComparedRow, place: BenchPlace, random: RandomSource): Promise<MeasuredRow> {
  const { present, absent, close } = await start(row, place)
  try {
    const rounds = await inTurns(row, present, place, random)
    const judged = row.comparisons.map((comparison) => ({ comparison, verdict: judge(comparison, rounds, random) }))
    return { kind: 'compared', row, rounds, judged, lines: comparedLines(row, rounds, judged, absent) }
  } finally {
    await close()
  }
}

async function inTurns(
  row: ComparedRow,
  participants: readonly Participant[],
  place: BenchPlace,
  random: RandomSource,
): Promise<Rounds> {
  const control = startSpawnControl(place.limitProgram)
  const rounds = place.effort === 'quick' ? row.quickRounds : row.rounds
  const onRound = (done: number): void => {
    place.signal.throwIfAborted()
    place.say(`${row.id}: round ${done} of ${rounds}`)
  }
  try {
    return await runRounds({
      participants,
      control: control.once,
      rounds,
      warmupMs: WARMUP_MS[place.effort],
      random,
      onRound,
    })
  } finally {
    await control.close()
  }
}

async function start(
  row: ComparedRow,
  place: BenchPlace,
): Promise<{ present: Participant[]; absent: Absence[]; close: () => Promise<void> }> {
  const present: Participant[] = []
  const absent: Absence[] = []
  const close = async (): Promise<void> => {
    for (const participant of present.reverse()) await participant.close()
  }
  try {
    for (const begin of row.participants(place)) {
      const started = await begin()
      if (isAbsent(started)) absent.push(started)
      else present.push(started)
    }
  } catch (error) {
    await close()
    throw error
  }
  return { present, absent, close }
}
