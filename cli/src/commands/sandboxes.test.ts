// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FakeServer } from '../../../sdk/typescript/test/fake-server.ts'
import { runCliProcess } from '../../test/spawn-cli.ts'
import { COMMANDS } from '../commands.ts'

let server: FakeServer
beforeEach(async () => {
  server = await FakeServer.listen()
})
afterEach(() => server.close())

const isola = async (...args: string[]) => {
  const { code, stdout, stderr } = await runCliProcess(args, { url: server.url })
  return { code, stdout: String(stdout), stderr }
}

test('create, ls, inspect and rm tell the same story', async () => {
  const id = (await isola('create', '--name', 'lab', '--label', 'team=search')).stdout.trim()
  expect(id).toMatch(/^sb\d{18}$/)
  await isola('create')
  const { stdout: table } = await isola('ls')
  expect(table).toMatch(
    new RegExp(`^ID +NAME +STATE +TEMPLATE +DRIVER +AGE +LABELS\n${id} +lab +running +host +fake +.*team=search\nsb`),
  )
  expect((await isola('ls', '-q', '--label', 'team=search')).stdout).toBe(`${id}\n`)
  expect(JSON.parse((await isola('ls', '--json')).stdout)).toHaveLength(2)
  expect((await isola('inspect', 'lab')).stdout).toContain('isolation   fake (nothing is isolated)')
  expect(JSON.parse((await isola('inspect', '--json', 'lab')).stdout)).toMatchObject({ id, name: 'lab' })
  expect(await isola('rm', 'lab', 'nobody')).toEqual({
    code: 1,
    stdout: 'lab\n',
    stderr: 'isola: find sandbox nobody\nhint: list the sandboxes with `isola ls`\n',
  })
  expect(await isola('rm', '--all')).toMatchObject({ code: 2, stderr: expect.stringContaining('add --yes') })
  expect(server.sandboxes.size).toBe(1)
  expect(JSON.parse((await isola('rm', '--all', '--yes', '--json')).stdout)).toMatchObject({ failed: [] })
  expect(server.sandboxes.size).toBe(0)
})

test('a name that is taken is one line and a hint', async () => {
  await isola('create', '--name', 'lab')
  expect(await isola('create', '--name', 'lab')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^isola: .*lab.*\nhint: .*\n$/),
  })
  expect(await isola('create', '--name', 'Not Good')).toMatchObject({ code: 2 })
})

test('version tells of a server that runs and of one that does not', async () => {
  expect((await isola('version')).stdout).toMatch(
    /^client {2}0\.1\.0 .*\nserver {2}9\.9\.9 .*\nagent {3}generation 1\n$/,
  )
  const { stdout } = await runCliProcess(['version', '--json'], { url: 'unix:/nonexistent/isolad.sock' })
  expect(JSON.parse(String(stdout))).toMatchObject({ client: '0.1.0', server: null })
})

test('doctor gives each verdict with its reason, and fails when nothing can isolate', async () => {
  const report = await isola('doctor')
  expect(report.stdout).toContain('yes  mount-namespace  made one')
  expect(report.stdout).toContain('hint: delegate one')
  server.doctor = {
    stateDirectory: '/s',
    drivers: [{ driver: 'fake', available: false, isolation: '', checks: [], capabilities: null }],
  }
  expect(await isola('doctor', '--json')).toMatchObject({ code: 1 })
})

test.concurrent.each(Object.keys(COMMANDS))('isola %s --help shows its usage, --json and examples', async (name) => {
  const { stdout, code } = await runCliProcess([name, '--help'])
  expect(code).toBe(0)
  expect(String(stdout)).toMatch(new RegExp(`^Usage: isola ${name}[^]*--json[^]*Examples:\n  .*isola`))
})

test('without a command it shows what there is', async () => {
  const { stdout, code } = await isola()
  expect(code).toBe(0)
  for (const name of Object.keys(COMMANDS)) expect(stdout).toContain(`  ${name} `)
})
