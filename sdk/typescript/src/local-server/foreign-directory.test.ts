// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { refuseForeignDirectory } from './foreign-directory.ts'

const own = process.geteuid?.() ?? 0
let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'isola-foreign-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

test('a directory of our own is used, and one that is not there yet', () => {
  expect(() => refuseForeignDirectory(directory, own)).not.toThrow()
  expect(() => refuseForeignDirectory(join(directory, 'missing'), own)).not.toThrow()
})

test('a directory of another user is refused by name', () => {
  expect(() => refuseForeignDirectory(directory, own + 1)).toThrow(`it belongs to uid ${own}`)
})
