// SPDX-License-Identifier: Apache-2.0
import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isRoot } from '../support/account.ts'
import { CommandLine, expectFailure } from '../support/command-line.ts'
import { eventually } from '../support/eventually.ts'
import { onHost, onHostChecked } from '../support/on-host.ts'
import { Place } from '../support/isola-server.ts'
import { ACCOUNTS, accountOf } from '../support/driver-cells.ts'

// The state directory lies on a file system of its own, which a test can fill.
describe.each(ACCOUNTS)('a full disk: %s', (driver) => {
  let line: CommandLine
  const fill = (place: Place): string => place.directory.join('disk', 'fill')

  beforeAll(async () => {
    if (!isRoot) return
    const place = new Place(accountOf(driver), { state: 'disk/s' })
    const disk = place.directory.join('disk')
    mkdirSync(disk)
    await onHostChecked(['mount', '-t', 'tmpfs', '-o', 'size=48m,mode=755', 'none', disk])
    chownSync(disk, place.account.uid, place.account.gid)
    line = new CommandLine(driver, place)
  })
  afterAll(async () => {
    if (!isRoot) return
    // Not lazily: it can only be unmounted when nothing of Isola holds it any more.
    const unmount = () => onHost(['umount', line.place.directory.join('disk')])
    await line.end(() => eventually(unmount, ({ exitCode }) => exitCode === 0))
  }, 60_000)

  const fillUp = (): void => {
    try {
      for (let size = 16 * 1024 * 1024; size >= 1; size = Math.floor(size / 2)) {
        try {
          for (;;) writeFileSync(fill(line.place), Buffer.alloc(size), { flag: 'a' })
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
        }
      }
    } finally {
      chownSync(fill(line.place), line.place.account.uid, line.place.account.gid)
    }
  }

  test('is told in one line when the server cannot even start, and nothing is left', async ({ skip }) => {
    if (!isRoot) skip('needs root to make a small disk')
    fillUp()
    expectFailure(await line.isola(['run', '--', 'true']), 125, /no space|space left|full/i)
    expectFailure(await line.isola(['create']), 1, /no space|space left|full/i)
  })

  test('with room again everything works', async ({ skip }) => {
    if (!isRoot) skip('needs root to make a small disk')
    writeFileSync(fill(line.place), '')
    expect(await line.isola(['run', '--', 'echo', 'works'])).toMatchObject({
      stdout: 'works\n',
      exitCode: 0,
    })
  })

  test('that fills up under a running server fails the next create in one line, and the server lives', async ({
    skip,
  }) => {
    if (!isRoot) skip('needs root to make a small disk')
    fillUp()
    const result = await line.isola(['run', '--', 'sh', '-c', 'head -c 100000000 /dev/zero > big'])
    expect(result.exitCode).not.toBe(0)
    expect(result.stderr).toMatch(/space/i)
    expect(result.stderr).not.toMatch(/\n\s+at /)
    writeFileSync(fill(line.place), '')
    expect(await line.isola(['run', '--', 'echo', 'works'])).toMatchObject({
      stdout: 'works\n',
      exitCode: 0,
    })
    expect(await line.isola(['ls', '-q'])).toMatchObject({ stdout: '' })
  })
})
