// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { domainMatches, normalizeName } from './domain-pattern.ts'

const LONGEST_LABEL = 'a'.repeat(63)

describe('a host name', () => {
  test.each([
    ['example.com', 'example.com'],
    ['API.Example.COM.', 'api.example.com'],
    ['_dmarc.example.com', '_dmarc.example.com'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['localhost', 'localhost'],
    ['r3---sn-.example.com', 'r3---sn-.example.com'],
    ['1e100.net', '1e100.net'],
    [`${LONGEST_LABEL}.com`, `${LONGEST_LABEL}.com`],
    [`${'a.'.repeat(126)}a.`, `${'a.'.repeat(126)}a`],
  ])('%s is written %s', (name, expected) => {
    expect(normalizeName(name)).toBe(expected)
  })

  test.each([
    ...[
      '',
      '.',
      '..',
      'example.com..',
      '.example.com',
      'a..b',
      '*.example.com',
      'a b',
      'a/b',
      'a:80',
      'user@a',
      'a\0b',
    ],
    ...['a\n', 'bücher.example', '\u212Aelvin.com', 'ſ.com', 'a.com。', 'ａ.com', `${LONGEST_LABEL}a.com`],
    ...[
      `${'a.'.repeat(127)}a`,
      '1.2.3.4',
      '1.2.3.4.',
      '127.1',
      '2130706433',
      '0x7f.1',
      '0X7F000001',
      'a.0x',
      '::1',
      '[::1]',
    ],
    ...['1.2.3.com.4', '%61.com'],
  ])('%j is none', (text) => {
    expect(normalizeName(text)).toBeUndefined()
  })

  test('is lower case, bounded and stays as it is when it is read again; 10,000 texts', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(...'aAzZ09-_.'.split('')), maxLength: 300 }),
    )
    fc.assert(
      fc.property(texts, (text) => {
        const name = normalizeName(text)
        if (name === undefined) return
        expect(name).toMatch(/^[a-z0-9._-]{1,253}$/)
        expect(normalizeName(name)).toBe(name)
      }),
      { numRuns: 10_000 },
    )
  })
})

describe('a pattern of domains', () => {
  const rows: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['api.example.com', ['api.example.com'], ['example.com', 'a.api.example.com', 'xapi.example.com']],
    ['API.Example.com.', ['api.example.com'], []],
    ['*.example.com', ['a.example.com', 'a.b.c.example.com'], ['example.com', 'evil-example.com']],
    ['.example.com', ['example.com', 'a.example.com', 'a.b.example.com'], ['evil-example.com', 'xexample.com']],
    ['*.Example.COM', ['a.example.com'], ['example.com.evil.org', 'a.example.com.evil.org']],
    ['example.com', ['example.com'], ['example.com.evil.org', 'examplexcom', 'evil-example.com', 'com']],
    ['*.com', ['example.com'], ['com', 'example.org']],
  ]
  test.each(rows)('%s', (pattern, inside, outside) => {
    for (const name of inside) expect([name, domainMatches(pattern, name)]).toEqual([name, true])
    for (const name of outside) expect([name, domainMatches(pattern, name)]).toEqual([name, false])
  })

  test('never reaches beyond its own domain', () => {
    fc.assert(
      fc.property(fc.domain(), fc.domain(), fc.constantFrom('', '.', '*.'), (domain, other, prefix) => {
        const name = normalizeName(other) as string
        const base = domain.toLowerCase()
        if (domainMatches(`${prefix}${domain}`, name)) expect(name === base || name.endsWith(`.${base}`)).toBe(true)
        expect(domainMatches(`${prefix}${domain}`, `x${base}`)).toBe(false)
        expect(domainMatches(`${prefix}${domain}`, `${base}.x`)).toBe(false)
      }),
    )
  })
})
