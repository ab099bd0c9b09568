// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest'
import { stepTimes } from './steps.ts'

it('gives each step the time since the one before, and the launcher its own', () => {
  const marks = [
    { name: 'planned', at: 12 },
    { name: 'the launcher prepared it: {"mount":1500}', at: 16 },
    { name: 'prepared a blank', at: 17 },
  ]
  expect(stepTimes(marks, 10)).toEqual({ planned: 2, 'launcher: mount': 1.5, 'prepared a blank': 5 })
})
