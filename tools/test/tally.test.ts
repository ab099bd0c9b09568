// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { lastLine, skippedLines, sum } from './tally.ts'

const needsRoot = { test: 'a', reason: 'needs root' }

test('lastLine() says passed, failed and skipped over all suites', () => {
  const total = sum([
    { passed: 2, failed: 0, skipped: [needsRoot] },
    { passed: 3, failed: 1, skipped: [] },
  ])
  expect(lastLine(total)).toBe('5 passed, 1 failed, 1 skipped')
})

test('skippedLines() lists each reason once with its tests below', () => {
  const skipped = [needsRoot, { test: 'b', reason: 'no tmux' }, { test: 'c', reason: 'needs root' }]
  expect(skippedLines({ passed: 0, failed: 0, skipped })).toEqual([
    'skipped: needs root',
    '  a',
    '  c',
    'skipped: no tmux',
    '  b',
  ])
})
