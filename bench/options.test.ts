// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { readOptions } from './options.ts'

const ROWS = ['B1', 'B2', 'B14']

describe('options of the benchmark', () => {
  it('runs everything in normal size without options', () => {
    expect(readOptions([], ROWS)).toMatchObject({ only: [], effort: 'normal', profile: false, jsonFile: undefined })
  })

  it('takes rows by id, in any case', () => {
    expect(readOptions(['--only', 'b1, B14', '--quick'], ROWS)).toMatchObject({ only: ['B1', 'B14'], effort: 'quick' })
  })

  it.each([
    [['--only', 'B99'], 'B99: no such row (there are B1, B2, B14)'],
    [['--quick', '--full'], 'exclude each other'],
    [['--seed', 'x'], '--seed x'],
    [['--fast'], '--fast'],
  ])('refuses %j', (args, words) => {
    expect(() => readOptions(args, ROWS)).toThrow(words)
  })
})
