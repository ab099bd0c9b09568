// SPDX-License-Identifier: Apache-2.0
import { accessSync, constants, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isRoot } from '../support/account.ts'
import { CHECKOUT } from '../support/checkout.ts'
import { Place } from '../support/isola-server.ts'
import { eventually } from '../support/eventually.ts'
import { endPlace } from '../support/end-place.ts'
import { type HostResult, onHost, onHostChecked } from '../support/on-host.ts'
import { ACCOUNTS, accountOf } from '../support/driver-cells.ts'

const FORBIDDEN = ['cargo', 'rustc', 'cc', 'gcc', 'c99', 'clang', 'make']

/** What a machine without a compiler has on its PATH: everything of this one but that. */
function pathWithoutCompiler(folder: string): string {
  mkdirSync(folder)
  for (const source of ['/usr/local/bin', '/usr/bin', '/usr/sbin', '/bin', '/sbin']) {
    for (const name of existsSync(source) ? readdirSync(source) : []) {
      const isCompiler =
        FORBIDDEN.includes(name) || /^(gcc|clang|c\+\+|g\+\+|cc|x86_64-linux-gnu-(gcc|g\+\+))/.test(name)
      if (!isCompiler && !existsSync(path.join(folder, name)))
        symlinkSync(path.join(source, name), path.join(folder, name))
    }
  }
  return folder
}

/** Packing builds in the checkout. */
function packObstacle(): string | undefined {
  try {
    accessSync(CHECKOUT, constants.W_OK)
    return undefined
  } catch {
    return 'the checkout belongs to another user, so nothing can be built in it'
  }
}

describe('the published packages', () => {
  const obstacle = packObstacle()
  let tarballs: string[]

  beforeAll(async () => {
    if (obstacle !== undefined) return
    await onHostChecked(['npm', 'run', '--silent', 'pack'], { cwd: CHECKOUT })
    const folder = path.join(CHECKOUT, 'dist/tarballs')
    tarballs = readdirSync(folder).map((name) => path.join(folder, name))
  }, 300_000)

  test('there is one for every package, with the binaries of this platform', ({ skip }) => {
    if (obstacle !== undefined) skip(obstacle)
    const names = tarballs.map((file) => path.basename(file).replace(/-\d+\.\d+\.\d+\.tgz$/, '')).sort()
    expect(names).toEqual([
      'isola',
      'isola-core',
      'isola-driver-namespace',
      `isola-guest-linux-${process.arch}`,
      'isola-images',
      'isola-protocol',
      'isola-sdk',
      'isola-server',
    ])
  })

  test('they hold no source, no test and no path of the checkout', async ({ skip }) => {
    if (obstacle !== undefined) skip(obstacle)
    for (const file of tarballs) {
      const listing = await onHostChecked(['tar', '-tzf', file])
      expect(listing, file).not.toMatch(/\.test\.|\/src\/.*\.ts\n|tsconfig|node_modules/)
      expect(listing).toMatch(/package\/LICENSE\n/)
    }
  })

  describe.each(ACCOUNTS)('installed into an empty folder: %s', (driver) => {
    let place: Place
    let run: (argv: readonly string[]) => Promise<HostResult>

    beforeAll(async () => {
      if (obstacle !== undefined || (driver === 'namespace-root' && !isRoot)) return
      place = new Place(accountOf(driver))
      const bin = pathWithoutCompiler(place.directory.join('bin'))
      const app = place.directory.join('app')
      mkdirSync(app)
      writeFileSync(path.join(app, 'package.json'), '{"private":true}')
      // Its own binaries are what is tested, whatever the tests are told to use elsewhere.
      const { ISOLA_GUEST_DIR: _, ...installed } = place.env
      const env = { ...installed, PATH: bin, HOME: process.env['HOME'] ?? '/root' }
      // The cache of whoever runs the tests; what is in it needs no network.
      await onHostChecked(
        ['npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', ...tarballs],
        { cwd: app, env },
      )
      if (isRoot) await onHostChecked(['chown', '-R', `${place.account.uid}:${place.account.gid}`, app, bin])
      run = (argv) =>
        onHost([...place.prefix, path.join(app, 'node_modules/.bin/isola'), ...argv], {
          cwd: app,
          env: { ...installed, PATH: bin },
        })
    }, 300_000)

    afterAll(async () => {
      if (place === undefined) return
      const pidFile = path.join(place.stateDirectory, 'isolad.pid')
      if (existsSync(pidFile)) {
        const pid = Number((await onHostChecked(['cat', pidFile])).trim())
        process.kill(pid, 'SIGTERM')
        await eventually(
          () => existsSync(`/proc/${pid}`),
          (alive) => !alive,
        )
      }
      expect(await endPlace(place)).toEqual([])
    }, 60_000)

    test('isola run works, on a PATH without a compiler', async ({ skip }) => {
      if (place === undefined) skip(obstacle ?? 'needs root')
      for (const compiler of FORBIDDEN) expect(existsSync(place.directory.join('bin', compiler)), compiler).toBe(false)
      const result = await run(['run', '--', 'sh', '-c', 'echo $((6*7)); id -un'])
      expect(result).toMatchObject({ stdout: '42\nuser\n', stderr: '', exitCode: 0 })
      expect((await run(['version'])).stdout).toMatch(/^client {2}\d+\.\d+\.\d+/)
      expect((await run(['doctor'])).exitCode).toBe(0)
    }, 120_000)
  })
})
