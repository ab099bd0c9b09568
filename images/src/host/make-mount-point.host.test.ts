// SPDX-License-Identifier: Apache-2.0
import { chmod, lstat, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeMountPoint } from './make-mount-point.host.ts'

let skeleton: string
beforeEach(async () => {
  skeleton = await mkdtemp(join(tmpdir(), 'isola-mount-point-'))
  await mkdir(join(skeleton, 'tmp'))
  await chmod(join(skeleton, 'tmp'), 0o1777)
  await mkdir(join(skeleton, 'home/user'), { recursive: true })
})
afterEach(() => rm(skeleton, { recursive: true }))

const modeOf = async (path: string): Promise<number> => (await lstat(join(skeleton, path))).mode & 0o7777

test('a directory that everybody may write to stays so with an interpreter below it', async () => {
  await makeMountPoint(skeleton, '/tmp/project/venv', 'user')
  expect(await modeOf('tmp')).toBe(0o1777)
})

test('the way to a mount point is open, whatever the umask', async () => {
  const umask = process.umask(0o077)
  await makeMountPoint(skeleton, '/data/tools/python', 'user')
  process.umask(umask)
  expect([await modeOf('data'), await modeOf('data/tools')]).toEqual([0o755, 0o755])
})

test('a second mount point below the same directories finds them as they are', async () => {
  await makeMountPoint(skeleton, '/data/tools/python', 'user')
  await chmod(join(skeleton, 'data'), 0o711)
  await makeMountPoint(skeleton, '/data/tools/node', 'user')
  await makeMountPoint(skeleton, '/data/tools/node', 'user')
  expect(await modeOf('data')).toBe(0o711)
})

test.skipIf(process.geteuid?.() !== 0)('what is made in the home belongs to `user` (needs root)', async () => {
  const { uid } = await lstat(join(skeleton, 'home'))
  await makeMountPoint(skeleton, '/home/user/project/.venv', 'as-on-disk')
  await makeMountPoint(skeleton, '/home/others/.venv', 'as-on-disk')
  const owners = ['home', 'home/user/project', 'home/user/project/.venv', 'home/others'].map(
    async (path) => (await lstat(join(skeleton, path))).uid,
  )
  expect(await Promise.all(owners)).toEqual([uid, 1000, 1000, uid])
})

test('where files can only be root`s, what is made in the home can be written to', async () => {
  await makeMountPoint(skeleton, '/home/user/project/.venv', 'root')
  expect(await modeOf('home/user/project')).toBe(0o777)
  expect(await modeOf('home/user')).toBe(0o755)
})
