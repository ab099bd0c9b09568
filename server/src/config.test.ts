// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { parseServerConfig } from './config.ts'

test('flags win over the environment, and paths are absolute', () => {
  const env = { ISOLA_STATE_DIR: '/from/env', ISOLA_POOL: '9' }
  expect(parseServerConfig([], env)).toEqual({ stateDirectory: '/from/env', poolSize: 9 })
  expect(parseServerConfig(['--state', '/flag', '--pool', '0', '--socket', '/s', '--auto'], env)).toEqual({
    stateDirectory: '/flag',
    poolSize: 0,
    socketPath: '/s',
    idleExitMs: 60_000,
  })
  expect(parseServerConfig(['--state', 'relative'], env).stateDirectory).toBe(`${process.cwd()}/relative`)
})

test.each([
  ['127.0.0.1:80', '127.0.0.1', 80],
  ['[::1]:0', '::1', 0],
  ['localhost:7333', 'localhost', 7333],
  ['7333', '127.0.0.1', 7333],
])('--listen %s is %s port %i', (value, host, port) => {
  expect(parseServerConfig(['--state', '/s', '--listen', value], {}).listen).toEqual({ host, port })
})

test.each([
  [['--listen', 'host'], '--listen host'],
  [['--listen', '::1:80'], '--listen ::1:80'],
  [['--listen', 'a:65536'], '--listen a:65536'],
  [['--pool', '-1'], 'pool'],
  [['--pool', '1.5'], '--pool 1.5'],
  [['--idle-exit-ms', 'soon'], '--idle-exit-ms soon'],
  [['--stat', '/x'], '--stat'],
  [['extra'], 'extra'],
])('%j is refused by name', (args, named) => {
  expect(() => parseServerConfig(args, { ISOLA_STATE_DIR: '/s' })).toThrow(
    expect.objectContaining({ code: 'request.invalid', message: expect.stringContaining(named) }),
  )
})

test.each([
  [{ ISOLA_POOL: '-3' }, 'ISOLA_POOL -3: not a whole number from 0 to 1000'],
  [{ ISOLA_DNS: '9.9.9.9,here' }, 'ISOLA_DNS here: not an address'],
])('%j is refused by the name of the variable, with a hint about it', (env, message) => {
  expect(() => parseServerConfig([], { ISOLA_STATE_DIR: '/s', ...env })).toThrow(
    expect.objectContaining({ message, hint: expect.stringMatching(/or unset it$/) }),
  )
})

test('a variable that is empty is as if it were not set', () => {
  const env = { ISOLA_STATE_DIR: '/s', ISOLA_POOL: '', ISOLA_DNS: '' }
  expect(parseServerConfig([], env)).toEqual({ stateDirectory: '/s', poolSize: 2 })
})
