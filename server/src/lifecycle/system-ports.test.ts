// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { systemRandom } from './system-ports.ts'

describe('random bytes', () => {
  it('come in the size that was asked for and never twice, across many stocks', () => {
    const seen = new Set<string>()
    for (let draw = 0; draw < 3000; draw++) {
      const size = [8, 24, 32, 5000][draw % 4] as number
      const bytes = systemRandom.bytes(size)
      expect(bytes.length).toBe(size)
      seen.add(Buffer.from(bytes.subarray(0, 8)).toString('hex'))
    }
    expect(seen.size).toBe(3000)
  })

  it('belong to who drew them: later draws do not change them', () => {
    const first = systemRandom.bytes(32)
    const copy = Uint8Array.from(first)
    for (let draw = 0; draw < 300; draw++) systemRandom.bytes(32)
    expect(first).toEqual(copy)
    expect(first.some((byte) => byte !== 0)).toBe(true)
  })
})
