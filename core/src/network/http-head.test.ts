// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type HttpGuess, looksLikeHttp } from './http-head.ts'

function guess(text: string): HttpGuess {
  return looksLikeHttp(Buffer.from(text, 'latin1'))
}

describe('the first bytes of a connection', () => {
  test.each([
    'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    'POST /x',
    'PROPFIND ',
    'CONNECT a:443 HTTP/1.1',
    'DELETE ',
    'GET /\n',
  ])('%j are HTTP', (text) => {
    expect(guess(text)).toBe('http')
  })

  test('are HTTP/2 when they are its whole preface, and undecided before', () => {
    const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
    for (let length = 0; length < preface.length; length++) expect(guess(preface.slice(0, length))).toBe('incomplete')
    expect(guess(`${preface}\0\0\0`)).toBe('http2')
  })

  test.each(['', 'G', 'GET', 'OPTION', 'SSH-2.0', 'FOO /', '\r\n', '\r\nGE', 'FOO / HTTP/1.1'])(
    '%j are not enough to tell',
    (text) => {
      expect(guess(text)).toBe('incomplete')
    },
  )

  test.each([
    ...[
      '\x16\x03\x01',
      '\0',
      'SSH-2.0-OpenSSH_9.6 Ubuntu-3\r\n',
      '0032git-upload-pack /p.git\0host=a\0',
      '*1\r\n$4\r\n',
    ],
    ...['EHLO client.example\r\n', 'CONNECT\naccept-version:1.2\n\n\0', '{"id":1}', 'get key\r\n'],
    ...['GET\r\n', 'FOO\r\n', '{', 'FOO /\x01'],
  ])('%j are something else', (text) => {
    expect(guess(text)).toBe('not-http')
  })

  test.each([
    ...['\r\n\r\nGET / HTTP/1.1\r\n', 'FOO / HTTP/1.1\r\n', 'get / HTTP/1.1\r\n', 'GET\t/ HTTP/1.1\r\n'],
    ...[' GET / HTTP/1.1\r\n', '{} / HTTP/1.1\r\n', `${'M'.repeat(65)} / HTTP/1.1\r\n`],
    ...['FOO\v/\vHTTP/1.1\r\n', 'FOO  /  http/1.0\n', `FOO ${'x'.repeat(20_000)}`, '\r\n'.repeat(10_000)],
  ])('do not get past the proxy by being unusual: %j', (text) => {
    expect(guess(text)).toBe('http')
  })

  test('once told stay told, however much follows', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .string({ unit: fc.constantFrom(...'GETPRI */HTP1.0\r\n\t'.split('')) })
        .map((text) => Buffer.from(text, 'latin1')),
    )
    fc.assert(
      fc.property(bytes, bytes, (head, tail) => {
        const before = looksLikeHttp(head)
        if (before !== 'incomplete') expect(looksLikeHttp(Buffer.concat([head, tail]))).toBe(before)
      }),
      { numRuns: 10_000 },
    )
  })
})
