// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { keepShown, type Shown } from './shown.host.ts'

let venv: string
let looks: number
beforeEach(async () => {
  venv = await mkdtemp(join(tmpdir(), 'isola-shown-'))
  looks = 0
})
afterEach(() => rm(venv, { recursive: true, force: true }))

const before = (): Shown => ({ binds: [{ source: venv, target: venv }], searchPath: `${venv}/bin` })
const after: Shown = { binds: [], searchPath: '/usr/bin' }

/** The first look finds the environment. */
const find = async (): Promise<Shown> => (++looks === 1 ? before() : after)

test('what was found once is kept', async () => {
  const shown = keepShown(find)
  expect(await shown()).toBe(await shown())
  expect(looks).toBe(1)
})

test('once a directory of it is gone, it is looked for again, by one of those who ask', async () => {
  const shown = keepShown(find)
  await shown()
  await rm(venv, { recursive: true })
  expect(await Promise.all([shown(), shown()])).toEqual([after, after])
  expect(looks).toBe(2)
})

test('a look that failed is no answer', async () => {
  const shown = keepShown(async () => {
    if (++looks === 1) throw new Error('no')
    return after
  })
  await expect(shown()).rejects.toThrow('no')
  expect(await shown()).toBe(after)
})
