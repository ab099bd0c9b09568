// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { requirements } from './requirements.ts'

const folder = new URL('.', import.meta.url)
const cited = readdirSync(folder)
  .filter((name) => name.endsWith('.test.ts') && name !== 'coverage.test.ts')
  .flatMap((name) =>
    [...readFileSync(new URL(name, folder), 'utf8').matchAll(/verifies\(\s*\w+,\s*'([^']+)'/g)].map(
      ([, id]) => id as string,
    ),
  )

test('every requirement has a test', () => {
  expect(Object.keys(requirements).filter((id) => !cited.includes(id))).toEqual([])
})

test('every test of a requirement cites one that exists, and no two the same', () => {
  expect(cited.filter((id) => !(id in requirements))).toEqual([])
  expect(cited.filter((id, index) => cited.indexOf(id) !== index)).toEqual([])
})

test('no two requirements say the same', () => {
  const sentences = Object.values(requirements).map(({ sentence }) => sentence)
  expect(new Set(sentences).size).toBe(sentences.length)
})
