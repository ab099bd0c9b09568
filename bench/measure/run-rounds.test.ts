// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it, vi } from 'vitest'
import type { Participant } from '../participants/participant.ts'
import { seededRandom } from '../statistics/random.ts'
import { type Rounds, type RoundsPlan, runRounds } from './run-rounds.ts'

vi.mock('./settle.ts', () => ({ settle: async () => {} }))

function participant(name: string, once: Participant['once']): Participant {
  return { name, isolation: 'none', cpu: null, once, close: async () => {} }
}

function run(participants: readonly Participant[], plan: Partial<RoundsPlan> = {}): Promise<Rounds> {
  const control = async (): Promise<number> => 1
  return runRounds({
    participants,
    control,
    rounds: 20,
    warmupMs: 0,
    random: seededRandom(1),
    onRound: () => {},
    ...plan,
  })
}

describe('rounds', () => {
  it('give every participant one turn a round, in an order that changes', async () => {
    const turns: string[] = []
    const taking = (name: string): Participant => participant(name, async () => (turns.push(name), { value: 1 }))
    await run([taking('a'), taking('b'), taking('c')])
    const orders = Array.from({ length: 20 }, (_, round) => turns.slice(3 * round, 3 * round + 3).join(''))
    expect(orders.every((order) => order.split('').sort().join('') === 'abc')).toBe(true)
    expect(new Set(orders).size).toBeGreaterThan(3)
  })

  it('give each operation a nonce of its own', async () => {
    const nonces = new Set<string>()
    await run([participant('a', async (nonce) => (nonces.add(nonce), { value: 1 }))])
    expect(nonces.size).toBe(20)
  })

  it('keep a failure at its place and go on', async () => {
    let turn = 0
    const failing = participant('a', async () => {
      turn += 1
      if (turn === 2) throw new Error('no luck')
      return { value: turn }
    })
    const { series } = await run([failing], { rounds: 3 })
    expect(series[0]?.rounds).toEqual([{ value: 1 }, { error: 'no luck' }, { value: 3 }])
  })

  it('do not count the warm-up', async () => {
    let turns = 0
    const { series, control } = await run([participant('a', async () => ({ value: ++turns }))], {
      rounds: 2,
      warmupMs: 5,
    })
    const [first] = series[0]?.rounds ?? []
    const before = first !== undefined && 'value' in first ? first.value : 0
    expect(before).toBeGreaterThan(1)
    expect(series[0]?.rounds).toEqual([{ value: before }, { value: before + 1 }])
    expect(control).toHaveLength(2)
  })
})
