// SPDX-License-Identifier: Apache-2.0
import { Network } from '@isola/protocol'
import { describe, expect, it } from 'vitest'
import { NetworkSyntaxError, networkOf, parseNetwork } from './parse-network.ts'

const rules = (words: string) => {
  const network = parseNetwork(words)
  return network === 'none' ? network : network.rules
}

describe('a policy in words', () => {
  it.each([
    ['api.example.com', [{ action: 'allow', domain: 'api.example.com' }]],
    ['api.example.com:443', [{ action: 'allow', domain: 'api.example.com', ports: ['443'] }]],
    [
      '*.example.com, .example.org:8000-8999',
      [
        { action: 'allow', domain: '*.example.com' },
        { action: 'allow', domain: '.example.org', ports: ['8000-8999'] },
      ],
    ],
    [
      '-evil.example.com,public-internet',
      [
        { action: 'deny', domain: 'evil.example.com' },
        { action: 'allow', preset: 'public-internet' },
      ],
    ],
    ['10.0.0.0/8:5432', [{ action: 'allow', cidr: '10.0.0.0/8', ports: ['5432'] }]],
    ['192.0.2.7', [{ action: 'allow', cidr: '192.0.2.7' }]],
    ['[2001:db8::/32]:443', [{ action: 'allow', cidr: '2001:db8::/32', ports: ['443'] }]],
    ['[::1]', [{ action: 'allow', cidr: '::1' }]],
    ['*:443', [{ action: 'allow', ports: ['443'] }]],
    ['db.:5432', [{ action: 'allow', domain: 'db.', ports: ['5432'] }]],
    ['package-registries', [{ action: 'allow', preset: 'package-registries' }]],
    ['none', 'none'],
  ])('%s', (words, expected) => {
    expect(rules(words)).toEqual(expected)
    expect(Network.parse(parseNetwork(words))).toEqual(parseNetwork(words))
  })

  it.each([
    '',
    'a,,b',
    'http://example.com',
    'example.com/path',
    'exa mple.com',
    'none,example.com',
    'a:b:c:443x',
    '[::1',
    '-',
  ])('that cannot be understood is refused with the word: %s', (words) => {
    expect(() => parseNetwork(words)).toThrow(NetworkSyntaxError)
  })

  it('may be given as an object with the parts that matter', () => {
    expect(networkOf({ default: 'allow' })).toEqual({ rules: [], default: 'allow', maxConnections: 256 })
    expect(networkOf(undefined)).toBeUndefined()
    expect(networkOf('none')).toBe('none')
  })
})
