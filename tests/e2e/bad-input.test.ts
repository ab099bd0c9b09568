// SPDX-License-Identifier: Apache-2.0
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { expect } from 'vitest'
import { isRoot } from '../support/account.ts'
import { expectFailure } from '../support/command-line.ts'
import { onHost } from '../support/on-host.ts'
import { onEachAccount } from './on-each-account.ts'

onEachAccount((visit) => {
  const isola = (args: string[], env = {}) => visit.line.isola(args, { env })
  /** A state directory of its own, made by the account, so that a broken one breaks nothing else. */
  const stateDirectory = (name: string): string => {
    const path = visit.line.place.directory.join(name)
    mkdirSync(path, { mode: 0o700 })
    if (isRoot) chownSync(path, visit.line.place.account.uid, visit.line.place.account.gid)
    return path
  }

  visit.test('options that make no sense', async () => {
    const cases: [string[], number, RegExp][] = [
      [['run', '--memory', '-5', '--', 'true'], 125, /--memory/],
      [['run', '--memory', 'lots', '--', 'true'], 125, /--memory.*lots/],
      [['run', '--timeout', '0', '--', 'true'], 125, /--timeout/],
      [['run', '--cpus', 'many', '--', 'true'], 125, /--cpus/],
      [['run', '--env', 'no-equals', '--', 'true'], 125, /--env/],
      [['run', '--name', 'Not A Name', '--', 'true'], 125, /--name/],
      [['run', '--net', 'all', '--', 'true'], 125, /--net/],
      [['run', '--workdir', 'relative', '--', 'true'], 125, /--workdir/],
      [['run', '--no-such-option', '--', 'true'], 125, /no-such-option/],
      [['run'], 125, /command/],
      [['create', '--disk', '0'], 2, /--disk/],
      [['no-such-command'], 2, /no-such-command/],
      [['rm'], 2, /rm/],
      [['exec', 'lab'], 125, /command/],
      [['cp', '/etc/hostname', '/tmp/x'], 2, /sandbox/],
      [['serve', '--listen', 'nonsense:99999'], 2, /--listen/],
    ]
    for (const [args, exitCode, message] of cases) {
      const result = await isola(args)
      expect(result.exitCode, `isola ${args.join(' ')}: ${result.stderr}`).toBe(exitCode)
      expectFailure(result, exitCode, message)
    }
  })

  visit.test('things that do not exist', async () => {
    expectFailure(await isola(['run', '--template', 'no-such-template', '--', 'true']), 125, /no-such-template/)
    expectFailure(await isola(['run', '--driver', 'teleport', '--', 'true']), 125, /teleport/)
    expectFailure(await isola(['exec', 'nobody', '--', 'true']), 125, /nobody/)
    expectFailure(await isola(['inspect', 'nobody']), 1, /nobody/)
    expectFailure(await isola(['rm', 'nobody']), 1, /nobody/)
    expectFailure(await isola(['cp', '/no/such/file', 'nobody:x']), 1, /\/no\/such\/file|nobody/)
    expectFailure(await isola(['run', '--user', 'nobody-of-that-name', '--', 'true']), 125, /nobody-of-that-name/)
    expectFailure(await isola(['run', '--workdir', '/no/such/place', '--', 'true']), 125, /\/no\/such\/place/)
    expectFailure(await isola(['run', '--copy', '/no/such/file', '--', 'true']), 125, /\/no\/such\/file/)
    expect((await isola(['ls', '-q'])).stdout).toBe('')
  })

  visit.test('a name that is taken', async () => {
    expect((await isola(['create', '--name', 'taken'])).exitCode).toBe(0)
    expectFailure(await isola(['create', '--name', 'taken']), 1, /taken/)
    expectFailure(await isola(['run', '--name', 'taken', '--', 'true']), 125, /taken/)
    expect((await isola(['rm', 'taken'])).exitCode).toBe(0)
  })

  visit.test('a server that is not there', async () => {
    expectFailure(await isola(['ls'], { ISOLA_URL: 'http://127.0.0.1:1' }), 1, /127\.0\.0\.1:1/)
    expectFailure(await isola(['run', '--', 'true'], { ISOLA_URL: 'unix:/no/such/socket' }), 125, /\/no\/such\/socket/)
    expectFailure(await isola(['ls'], { ISOLA_URL: 'ftp://nonsense' }), 1, /ftp/)
  })

  visit.test('a port that is in use', async () => {
    const blocker = createServer()
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve))
    const { port } = blocker.address() as { port: number }
    const state = stateDirectory('port')
    expectFailure(
      await isola(['serve', '--listen', `127.0.0.1:${port}`], { ISOLA_STATE_DIR: state }),
      1,
      new RegExp(String(port)),
    )
    blocker.close()
  })

  visit.test('a second server on the same state directory', async () => {
    expect((await isola(['run', '--', 'true'])).exitCode).toBe(0)
    expectFailure(await isola(['serve']), 1, /another server|already/)
  })

  visit.test('a state file that is corrupt', async () => {
    const state = stateDirectory('corrupt')
    writeFileSync(`${state}/isola.sqlite`, 'this is not a database, and long enough to be looked at as one'.repeat(100))
    if (isRoot) chownSync(`${state}/isola.sqlite`, visit.line.place.account.uid, visit.line.place.account.gid)
    expectFailure(await isola(['run', '--', 'true'], { ISOLA_STATE_DIR: state }), 125, /isola\.sqlite/)
    expectFailure(await isola(['serve'], { ISOLA_STATE_DIR: state }), 1, /isola\.sqlite/)
  })

  visit.test('a state directory that cannot be written to', async ({ skip }) => {
    if (visit.line.place.account.uid === 0) skip('root may write everywhere')
    const state = stateDirectory('closed')
    chmodSync(state, 0o500)
    expectFailure(await isola(['run', '--', 'true'], { ISOLA_STATE_DIR: state }), 125, new RegExp(state))
    expectFailure(await isola(['ls'], { ISOLA_STATE_DIR: '/proc/nowhere' }), 1, /\/proc\/nowhere/)
  })

  visit.test(
    'a state directory in the place of a file, and one with a path that is too long for a socket',
    async () => {
      const file = visit.line.place.directory.join('file')
      writeFileSync(file, '')
      expectFailure(await isola(['run', '--', 'true'], { ISOLA_STATE_DIR: file }), 125, new RegExp(file))
      const long = stateDirectory('l'.repeat(120))
      expectFailure(await isola(['run', '--', 'true'], { ISOLA_STATE_DIR: long }), 125, /long|bytes/)
    },
  )

  visit.test('input that is cut off, output that nobody takes', async () => {
    const argv = await visit.line.argv(['run', '--', 'yes'])
    const quoted = argv.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
    const result = await onHost(['bash', '-c', `set -o pipefail; ${quoted} | head -1`], { env: visit.line.place.env })
    expect(result).toMatchObject({ stdout: 'y\n', stderr: '', exitCode: 141 })
    expect((await isola(['ls', '-q'])).stdout).toBe('')
  })
})
