// SPDX-License-Identifier: Apache-2.0
import type { Participant, Sample } from '../participants/participant.ts'
import { type RandomSource, shuffled } from '../statistics/random.ts'
import type { Control } from './control.ts'
import { settle } from './settle.ts'

export interface Failure {
  readonly error: string
}

export interface Series {
  readonly participant: Participant
  /** One per round, in order; a failure keeps its place. */
  readonly rounds: readonly (Sample | Failure)[]
  /** CPU per operation with its teardown and all it caused; null where it cannot be counted. */
  readonly cpuMsPerOperation: number | null
}

export interface Rounds {
  readonly series: readonly Series[]
  readonly control: readonly number[]
}

export interface RoundsPlan {
  readonly participants: readonly Participant[]
  readonly control: Control
  readonly rounds: number
  /** Operations of each participant before the clock counts. */
  readonly warmups: number
  readonly random: RandomSource
  readonly onRound: (done: number) => void
}

export const isFailure = (outcome: Sample | Failure): outcome is Failure => 'error' in outcome

/** Every participant once per round, in a new random order each time, each alone on the machine. */
export async function runRounds(plan: RoundsPlan): Promise<Rounds> {
  const { participants, random } = plan
  for (let warmup = 0; warmup < plan.warmups; warmup++) {
    for (const participant of participants) await attempt(participant, random)
  }
  const outcomes = new Map(participants.map((participant) => [participant, [] as (Sample | Failure)[]]))
  const cpuBefore = new Map(participants.map((participant) => [participant, participant.cpu?.usedMs()]))
  const control: number[] = []
  for (let round = 0; round < plan.rounds; round++) {
    control.push(await plan.control())
    for (const participant of shuffled(participants, random)) {
      outcomes.get(participant)?.push(await attempt(participant, random))
    }
    plan.onRound(round + 1)
  }
  const series = participants.map((participant): Series => {
    const before = cpuBefore.get(participant)
    const used = before === undefined || participant.cpu === null ? null : participant.cpu.usedMs() - before
    return {
      participant,
      rounds: outcomes.get(participant) ?? [],
      cpuMsPerOperation: used === null ? null : used / plan.rounds,
    }
  })
  return { series, control }
}

async function attempt(participant: Participant, random: RandomSource): Promise<Sample | Failure> {
  const nonce = `n${Math.floor(random() * 2 ** 32).toString(16)}${Math.floor(random() * 2 ** 32).toString(16)}`
  try {
    return await participant.once(nonce)
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  } finally {
    await settle(participant.cpu)
  }
}
