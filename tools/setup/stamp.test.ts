// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { root } from '../run-to-end.ts'
import { filesBelow, fingerprint, readStamp, writeStamp } from './stamp.mjs'

let folder: string
beforeEach(() => {
  folder = path.relative(root, mkdtempSync('/tmp/isola-stamp-'))
})
afterEach(() => {
  rmSync(path.join(root, folder), { recursive: true })
})

test('fingerprint() changes with a name and with a content, and not with the order', () => {
  const write = (name: string, content: string): string => {
    writeFileSync(path.join(root, folder, name), content)
    return path.join(folder, name)
  }
  const [a, b] = [write('a', 'one'), write('b', 'one')]
  const before = fingerprint([a, b])
  expect(fingerprint([b, a])).toBe(before)
  expect(fingerprint([a])).not.toBe(fingerprint([b]))
  write('b', 'two')
  expect(fingerprint([a, b])).not.toBe(before)
})

test('readStamp() gives back what writeStamp() wrote, and null before', () => {
  const stamp = path.join(folder, 'stamp')
  expect(readStamp(stamp)).toBeNull()
  writeStamp(stamp, 'abc')
  expect(readStamp(stamp)).toBe('abc')
})

test('filesBelow() goes only where it is let', () => {
  const names = filesBelow(
    'tools',
    (name) => name === 'setup',
    (name) => name.endsWith('.mjs'),
  )
  expect(names).toContain('tools/setup/stamp.mjs')
  expect(names).toContain('tools/setup.mjs')
  expect(names.every((name) => name.endsWith('.mjs'))).toBe(true)
})
