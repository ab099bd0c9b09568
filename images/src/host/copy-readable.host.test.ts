// SPDX-License-Identifier: Apache-2.0
import { chmod, lstat, mkdir, mkdtemp, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { copyReadable } from './copy-readable.host.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'isola-copy-'))
  await mkdir(join(directory, 'from/sub'), { recursive: true })
})
afterEach(() => rm(directory, { recursive: true }))

const exists = (path: string) =>
  lstat(join(directory, path)).then(
    () => true,
    () => false,
  )

test('a file that only its owner may read is not copied', async () => {
  await writeFile(join(directory, 'from/open'), 'x')
  await writeFile(join(directory, 'from/secret'), 'x')
  await chmod(join(directory, 'from/secret'), 0o640)
  await copyReadable(join(directory, 'from'), join(directory, 'to'))
  expect(await exists('to/open')).toBe(true)
  expect(await exists('to/secret')).toBe(false)
})

test('a directory that others may not enter is not copied, whatever is inside', async () => {
  await writeFile(join(directory, 'from/sub/open'), 'x')
  await chmod(join(directory, 'from/sub'), 0o700)
  await copyReadable(join(directory, 'from'), join(directory, 'to'))
  expect(await exists('to/sub')).toBe(false)
})

test('a link is copied as it is, never followed', async () => {
  await symlink('/etc/shadow', join(directory, 'from/link'))
  await copyReadable(join(directory, 'from'), join(directory, 'to'))
  expect(await readlink(join(directory, 'to/link'))).toBe('/etc/shadow')
})

test('a copy loses the set-user-id bit', async () => {
  await writeFile(join(directory, 'from/program'), 'x')
  await chmod(join(directory, 'from/program'), 0o4755)
  await copyReadable(join(directory, 'from'), join(directory, 'to'))
  expect((await lstat(join(directory, 'to/program'))).mode & 0o7777).toBe(0o755)
})
