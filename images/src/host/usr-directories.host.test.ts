// SPDX-License-Identifier: Apache-2.0
import { chmod, lstat, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeUsrDirectories } from './usr-directories.host.ts'

let directory: string
const usr = (path: string) => join(directory, 'usr', path)
const made = (path: string) => join(directory, 'made', path)
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'isola-usr-'))
  for (const path of ['lib/with space/deep', 'closed/inside', 'share']) await mkdir(usr(path), { recursive: true })
  await mkdir(made('share'), { recursive: true })
  await chmod(usr('closed'), 0o750)
  await writeFile(usr('lib/file'), 'x')
  await symlink('lib', usr('link'))
})
afterEach(() => rm(directory, { recursive: true }))

test('makes the directories that everybody may enter, and nothing else', async () => {
  await makeUsrDirectories(made(''), usr(''))
  expect((await readdir(made(''), { recursive: true })).sort()).toEqual([
    'lib',
    'lib/with space',
    'lib/with space/deep',
    'share',
  ])
})

test('whoever may enter one on the host may enter it in here, and write to it only if root', async () => {
  await chmod(usr('lib'), 0o2777)
  const umask = process.umask(0o077)
  await makeUsrDirectories(made(''), usr(''))
  process.umask(umask)
  expect((await lstat(made('lib'))).mode & 0o7777).toBe(0o755)
})
