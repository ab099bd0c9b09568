// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { exitReason } from './exit-reason.ts'

test.each([
  [9, 'its first process was ended by SIGKILL'],
  [31, 'its first process was ended by SIGSYS'],
  [64, 'its first process was ended by signal 64'],
  [0, 'its first process ended with code 0'],
  [256, 'its first process ended with code 1'],
  [-1, 'its first process ended'],
  [null, 'its first process ended'],
])('status %s: %s', (status, reason) => {
  expect(exitReason({ sandboxId: 'sb', status })).toBe(reason)
})
