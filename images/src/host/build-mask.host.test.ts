// SPDX-License-Identifier: Apache-2.0
import { lstat, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { buildMask } from './build-mask.host.ts'

let directory: string
let sudo: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'isola-mask-'))
  sudo = join(directory, 'sudo-program')
  await writeFile(sudo, 'x')
})
afterEach(() => rm(directory, { recursive: true }))

test('what is hidden is a whiteout, and sudo is there', async () => {
  const target = join(directory, 'mask')
  await buildMask(target, [{ path: '/usr/share', type: 'directory' }], sudo, 'as-on-disk')
  expect(await lstat(join(target, 'share'))).toMatchObject({ rdev: 0 })
  expect((await lstat(join(target, 'share'))).isCharacterDevice()).toBe(true)
  expect((await stat(join(target, 'bin/sudo'))).mode & 0o7777).toBe(0o755)
  expect(await readdir(target)).not.toContain('lib')
})
