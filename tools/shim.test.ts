// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root, runToEnd } from './run-to-end.ts'

const OLD_NODE = `--import=data:text/javascript,Object.defineProperty(process,'versions',{value:{node:'18.1.0'}});process.execve=undefined`
const PROGRAM = `process.on('SIGTERM', () => process.exit(9))
const words: string[] = process.argv.slice(2)
if (words[0] === 'exit') process.exit(Number(words[1]))
if (words[0] === 'wait') setInterval(() => {}, 1000)
console.log(JSON.stringify({ words, node: process.versions.node }))
`
let folder: string
let shim: string

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'isola-shim-'))
  mkdirSync(path.join(folder, 'src'))
  writeFileSync(path.join(folder, 'package.json'), '{"type":"module"}')
  writeFileSync(path.join(folder, 'src/main.ts'), PROGRAM)
  shim = path.join(folder, 'bin/isola.js')
  cpSync(path.join(root, 'cli/bin/isola.js'), shim)
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

test('the program runs unbuilt with its arguments as they are', async () => {
  const { exitCode, output } = await runToEnd(process.execPath, [shim, 'a b', '--c'], {})
  expect(exitCode).toBe(0)
  expect(JSON.parse(output)).toMatchObject({ words: ['a b', '--c'] })
})

test('a Node that is too old gives one line with a hint', async () => {
  const { exitCode, output } = await runToEnd(process.execPath, [OLD_NODE, shim], {})
  expect(exitCode).toBe(125)
  expect(output.trim().split('\n')).toEqual([
    expect.stringMatching(/^isola: node 18\.1\.0 is too old, .*\(hint: .+\)$/),
  ])
})

test.each([
  { name: 'its output', args: ['x'], exitCode: 0, output: /"words":\["x"\]/ },
  { name: 'its exit code', args: ['exit', '7'], exitCode: 7, output: /^$/ },
])('an old Node starts the pinned one and passes on $name', async ({ args, exitCode, output }) => {
  pinNode()
  const end = await runToEnd(process.execPath, [OLD_NODE, shim, ...args], {})
  expect(end.exitCode).toBe(exitCode)
  expect(end.output).toMatch(output)
})

test('a signal for the shim reaches the program', async () => {
  pinNode()
  const child = spawn(process.execPath, [OLD_NODE, shim, 'wait'], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([9, null])
})

test('a shim that is killed takes the program along', async () => {
  const asked = Promise.withResolvers<Socket>()
  await using server = createServer((socket) => asked.resolve(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const child = spawn(process.execPath, [OLD_NODE, path.join(root, 'cli/bin/isola.js'), 'ls'], {
    stdio: 'ignore',
    env: { ...process.env, ISOLA_URL: `http://127.0.0.1:${port}`, ISOLA_API_KEY: 'any' },
  })
  const connection = await asked.promise
  const closed = once(connection.resume(), 'close')
  child.kill('SIGKILL')
  await closed
})

function pinNode(): void {
  const name = `node-${process.platform}-${process.arch}`
  mkdirSync(path.join(folder, 'node_modules', name, 'bin'), { recursive: true })
  writeFileSync(path.join(folder, 'node_modules', name, 'package.json'), '{}')
  rmSync(path.join(folder, 'node_modules', name, 'bin/node'), { force: true })
  symlinkSync(process.execPath, path.join(folder, 'node_modules', name, 'bin/node'))
}
