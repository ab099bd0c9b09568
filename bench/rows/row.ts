// SPDX-License-Identifier: Apache-2.0
import type { Absence, Participant } from '../participants/participant.ts'
import type { BenchPlace } from './place.ts'

export type Unit = 'ms' | 'MiB'

/** One promise: a number made of the medians of two participants, and what it may be at most. */
export interface Comparison {
  readonly ours: string
  readonly theirs: string
  /** As SPECIFICATION.md words it. */
  readonly promise: string
  readonly combine: (our: number, their: number) => number
  readonly atMost: number
  /** How the number is shown. */
  readonly shown: 'times' | 'ms'
}

/** A row of the table whose participants take turns on one machine. */
export interface ComparedRow {
  readonly kind: 'compared'
  readonly id: string
  readonly title: string
  readonly unit: Unit
  readonly rounds: number
  readonly quickRounds: number
  /** Started one after another, which is not measured. A peer that cannot run here is an absence with its reason. */
  participants(place: BenchPlace): readonly (() => Promise<Participant | Absence>)[]
  readonly comparisons: readonly Comparison[]
}

/** A quantity that must not grow over many repetitions. */
export interface Growth {
  readonly what: string
  readonly before: number
  readonly after: number
  readonly perThousand: number
  readonly unit: string
  readonly promise: string
  readonly kept: boolean
}

export interface SoakResult {
  readonly cycles: number
  readonly failures: readonly string[]
  readonly cycleMs: readonly number[]
  readonly growths: readonly Growth[]
}

/** A row that repeats one thing many times and looks at what is left behind. */
export interface SoakRow {
  readonly kind: 'soak'
  readonly id: string
  readonly title: string
  run(place: BenchPlace): Promise<SoakResult>
}

export type Row = ComparedRow | SoakRow

export const times = (our: number, their: number): number => our / their
export const minus = (our: number, their: number): number => our - their
