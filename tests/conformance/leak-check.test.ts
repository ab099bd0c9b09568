// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isRoot, ordinaryAccount, rootAccount } from '../support/account.ts'
import { Place } from '../support/isola-server.ts'
import { inventory } from '../support/leak-check.ts'
import { onHost, onHostChecked } from '../support/on-host.ts'

// A check that finds nothing when there is nothing proves little: each kind of leak is planted here.
describe('the leak check finds', () => {
  let place: Place
  const undo: (() => Promise<void> | void)[] = []
  const found = (): string[] => inventory(place.trace)

  beforeEach(() => {
    place = new Place(isRoot ? rootAccount : ordinaryAccount)
  })
  afterEach(async () => {
    for (const step of undo.splice(0).reverse()) await step()
    await place.remove()
  })

  async function background(argv: readonly string[]): Promise<number> {
    const child = spawn(argv[0] as string, argv.slice(1), {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: process.env['PATH'] },
    })
    await new Promise((resolve) => child.stdout.once('data', resolve))
    undo.push(async () => {
      child.kill('SIGKILL')
      await new Promise((resolve) => child.once('exit', resolve))
    })
    return child.pid as number
  }

  test('nothing where there is nothing', () => {
    expect(found()).toEqual([])
  })

  test('a process by its command line', async () => {
    const pid = await background(['sh', '-c', 'echo up; while :; do sleep 1; done', place.directory.path])
    expect(found()).toContainEqual(expect.stringMatching(new RegExp(`^process ${pid} sh -c`)))
  })

  test('a process that hides its name, by its control group', async ({ skip }) => {
    if (place.cgroups.groups.length === 0) skip('no control group can be made by this account')
    const pid = await background([...place.cgroups.prefix, 'setsid', 'sh', '-c', 'echo up; exec sleep 1000'])
    expect(
      found().some((name) => name.startsWith('process ')),
      String(pid),
    ).toBe(true)
  })

  test('a network namespace that a process lives in', async ({ skip }) => {
    if (!isRoot) skip('needs root')
    await background(['unshare', '--net', 'sh', '-c', 'echo up; while :; do sleep 1; done', place.directory.path])
    expect(found()).toContainEqual(expect.stringMatching(/^network namespace net:\[\d+\]$/))
  })

  test('a mount', async ({ skip }) => {
    if (!isRoot) skip('needs root')
    mkdirSync(place.directory.join('m'))
    await onHostChecked(['mount', '-t', 'tmpfs', 'none', place.directory.join('m')])
    undo.push(async () => void (await onHostChecked(['umount', place.directory.join('m')])))
    expect(found()).toEqual([`mount ${place.directory.join('m')} (tmpfs none)`])
  })

  test('a control group', ({ skip }) => {
    const group = place.cgroups.groups[0]
    if (group === undefined) return skip('no control group can be made by this account')
    mkdirSync(`${group}/left/inner`, { recursive: true })
    undo.push(
      () => rmdirSync(`${group}/left`),
      () => rmdirSync(`${group}/left/inner`),
    )
    expect(found()).toEqual([`cgroup ${group}/left`, `cgroup ${group}/left/inner`])
  })

  test('a unix socket', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(place.directory.join('socket'), resolve))
    undo.push(() => void server.close())
    expect(found()).toEqual([`unix socket ${place.directory.join('socket')}`])
  })

  test('a loop device', async ({ skip }) => {
    if (!isRoot) skip('needs root')
    writeFileSync(place.directory.join('image'), Buffer.alloc(1024 * 1024))
    const made = await onHost(['losetup', '--find', '--show', place.directory.join('image')])
    if (made.exitCode !== 0) skip(`no loop device: ${made.stderr.trim()}`)
    undo.push(async () => void (await onHostChecked(['losetup', '--detach', made.stdout.trim()])))
    expect(found()).toEqual([`loop device ${made.stdout.trim()} (${place.directory.join('image')})`])
  })
})
