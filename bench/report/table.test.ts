// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest'
import { renderTable } from './table.ts'

it('aligns words to the left and numbers to the right', () => {
  const text = renderTable(
    ['who', 'ms'],
    [
      ['isola', '1.2'],
      ['runc', '30.0'],
    ],
    new Set(['ms']),
  )
  expect(text.split('\n')).toEqual(['who      ms', '─────  ────', 'isola   1.2', 'runc   30.0'])
})
