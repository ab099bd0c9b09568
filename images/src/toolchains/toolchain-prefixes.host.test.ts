// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { toolchainPrefixes } from './toolchain-prefixes.host.ts'

let home: string
beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'isola-toolchains-')))
  for (const name of ['versions/3.13/bin', 'versions/3.14/bin', 'shims', '.pyenv'])
    await mkdir(join(home, name), { recursive: true })
  await installShim('versions/3.13')
})
afterEach(() => rm(home, { recursive: true }))

/** A version manager's shim: answers with the real prefix, and leaves a mark each time it is asked. */
const installShim = (prefix: string): Promise<void> =>
  writeFile(
    join(home, 'shims/python3'),
    `#!/bin/sh\necho asked >> ${home}/asked\necho ${home}/${prefix}\necho ${home}/${prefix}\n`,
    {
      mode: 0o755,
    },
  )

const find = (directories = [join(home, 'shims'), '/usr/bin']): Promise<readonly string[]> =>
  toolchainPrefixes({
    directories,
    homeDirectory: home,
    env: {},
    keepOut: [home],
    memoryFile: join(home, 'state/toolchains.json'),
  })

const timesAsked = async (): Promise<number> => (await readFile(join(home, 'asked'), 'utf8')).trim().split('\n').length

test('the prefix that a shim stands for is found, and asked for only once', async () => {
  expect(await find()).toEqual([join(home, 'versions/3.13')])
  expect(await find()).toEqual([join(home, 'versions/3.13')])
  expect(await timesAsked()).toBe(1)
})

test('another version chosen in the version manager is noticed', async () => {
  await find()
  await installShim('versions/3.14')
  await writeFile(join(home, '.pyenv/version'), '3.14\n')
  expect(await find()).toEqual([join(home, 'versions/3.14')])
})

test('a remembered prefix that is gone is asked for again', async () => {
  await find()
  await rm(join(home, 'versions/3.13'), { recursive: true })
  expect(await find()).toEqual([])
  expect(await timesAsked()).toBe(2)
})

test('a memory that is damaged is ignored', async () => {
  await find()
  await writeFile(join(home, 'state/toolchains.json'), '{"key": 7')
  expect(await find()).toEqual([join(home, 'versions/3.13')])
})

test('an interpreter of the system needs no mount', async () => {
  expect(await find(['/usr/bin'])).toEqual([])
})

test('an interpreter whose prefix is a home is not shown', async () => {
  await installShim('')
  expect(await find()).toEqual([])
})
