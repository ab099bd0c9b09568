// SPDX-License-Identifier: Apache-2.0
import type { Participant, Sample } from '../participants/participant.ts'
import { type RandomSource, shuffled } from '../statistics/random.ts'
import type { Control } from './control.ts'
import { settle } from './settle.ts'

const MAX_WARMUPS = 1000

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
  /** How long each participant works before the clock counts, one operation right after the other. */
  readonly warmupMs: number
  readonly random: RandomSource
  readonly onRound: (done: number) => void
}

export const isFailure = (outcome: Sample | Failure): outcome is Failure => 'error' in outcome

/** Every participant once per round, in a new random order each time, each alone on the machine. */
export async function runRounds(plan: RoundsPlan): Promise<Rounds> {
  const { participants, random } = plan
  for (const participant of participants) {
    await warmUp(participant, plan)
    await settle(participant.cpu)
  }
  const outcomes = new Map(participants.map((participant) => [participant, [] as (Sample | Failure)[]]))
  const cpuBefore = new Map(participants.map((participant) => [participant, participant.cpu?.usedMs()]))
  const control: number[] = []
  for (let round = 0; round < plan.rounds; round++) {
    control.push(await plan.control())
    for (const participant of shuffled(participants, random)) {
      outcomes.get(participant)?.push(await measured(participant, random))
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

/** A server that has just started runs code that is not compiled yet; what is promised is its life after that. */
async function warmUp(participant: Participant, { warmupMs, random }: RoundsPlan): Promise<void> {
  const until = performance.now() + warmupMs
  for (let done = 0; done < MAX_WARMUPS && performance.now() < until; done++) {
    await attempt(participant, random)
  }
}

async function measured(participant: Participant, random: RandomSource): Promise<Sample | Failure> {
  const outcome = await attempt(participant, random)
  await settle(participant.cpu)
  return outcome
}

async function attempt(participant: Participant, random: RandomSource): Promise<Sample | Failure> {
  const nonce = `n${Math.floor(random() * 2 ** 32).toString(16)}${Math.floor(random() * 2 ** 32).toString(16)}`
  try {
    return await participant.once(nonce)
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}
