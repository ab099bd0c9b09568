// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest'
import { describeAddress, parseAddress, resolveTarget } from './address.ts'

describe('parseAddress()', () => {
  test.each([
    ['http://127.0.0.1:4949', { kind: 'tcp', host: '127.0.0.1', port: 4949 }],
    ['http://box', { kind: 'tcp', host: 'box', port: 80 }],
    ['http://[::1]:80/', { kind: 'tcp', host: '::1', port: 80 }],
    ['unix:/run/isolad.sock', { kind: 'unix', socketPath: '/run/isolad.sock' }],
    ['unix:///run/isolad.sock', { kind: 'unix', socketPath: '/run/isolad.sock' }],
  ])('reads %s', (url, address) => {
    expect(parseAddress(url)).toEqual(address)
  })

  test.each(['', 'localhost:80', 'https://x', 'ftp://x', 'unix:relative', 'http://a/path', 'http://user@a', 'http://'])(
    'refuses %j and says what to write',
    (url) => {
      expect(() => parseAddress(url)).toThrow(
        expect.objectContaining({ code: 'argument.invalid', hint: expect.stringContaining('unix:') }),
      )
    },
  )
})

describe('resolveTarget()', () => {
  const env = { ISOLA_URL: 'http://a:1', ISOLA_API_KEY: 'k', ISOLA_STATE_DIR: '/state' }

  test('takes what was given before the environment', () => {
    const target = resolveTarget({ url: 'unix:/x', apiKey: 'mine' }, env)
    expect(target).toEqual({ address: { kind: 'unix', socketPath: '/x' }, apiKey: 'mine', stateDirectory: undefined })
  })

  test('takes the environment before the local server', () => {
    expect(resolveTarget({}, env)).toMatchObject({ address: { host: 'a', port: 1 }, apiKey: 'k' })
  })

  test('a state directory that was given means the local server, whatever ISOLA_URL says', () => {
    const target = resolveTarget({ stateDirectory: '/mine' }, env)
    expect(describeAddress(target.address)).toBe('/mine/isolad.sock')
    expect(target.stateDirectory).toBe('/mine')
  })

  test('without anything it is the local server of this user', () => {
    expect(describeAddress(resolveTarget({}, { ISOLA_STATE_DIR: '/state', ISOLA_URL: '' }).address)).toBe(
      '/state/isolad.sock',
    )
  })

  test('a state directory is the same wherever the server runs', () => {
    expect(resolveTarget({}, { ISOLA_STATE_DIR: 'here' }).stateDirectory).toBe(`${process.cwd()}/here`)
  })

  test('a path that no socket can have is refused', () => {
    expect(() => resolveTarget({ stateDirectory: `/${'x'.repeat(100)}` }, {})).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('shorter') }),
    )
  })
})
