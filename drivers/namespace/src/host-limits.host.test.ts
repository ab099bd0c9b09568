// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { parseOpenFilesMax } from './host-limits.host.ts'

const LIMITS = `Limit                     Soft Limit           Hard Limit           Units
Max processes             257000               257000               processes
Max open files            1024                 524288               files
`

test('the hard limit on open files is read', () => {
  expect(parseOpenFilesMax(LIMITS)).toBe(524_288)
})

test('without a limit, or without the file, none is known', () => {
  expect(parseOpenFilesMax(LIMITS.replace('524288', 'unlimited'))).toBeUndefined()
  expect(parseOpenFilesMax('')).toBeUndefined()
})
