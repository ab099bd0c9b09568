// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest'
import { policyOf, REGISTRIES } from '../../test/network-policy.ts'
import { decideName } from './decide-name.ts'

function decide(rules: readonly string[], name: string, fallback: 'allow' | 'deny' = 'deny') {
  return decideName(policyOf(rules, fallback), name, REGISTRIES)
}

describe('whether a name may be looked up', () => {
  const rows: readonly (readonly [string, readonly string[], string, 'allow' | 'deny', number | null])[] = [
    ['a name that a rule allows', ['allow api.example.com'], 'api.example.com', 'allow', 0],
    ['a name that is written differently', ['allow API.example.com'], 'api.EXAMPLE.com.', 'allow', 0],
    ['a name that no rule mentions', ['allow api.example.com'], 'evil.org', 'deny', null],
    ['a name that only looks similar', ['allow *.example.com'], 'evil-example.com', 'deny', null],
    ['a name below an allowed one', ['allow example.com'], 'secret.example.com', 'deny', null],
    ['the first rule that fits', ['deny *.evil.org', 'allow public-internet'], 'a.evil.org', 'deny', 0],
    ['a deny that comes too late', ['allow public-internet', 'deny *.evil.org'], 'a.evil.org', 'allow', 0],
    ['what is left', ['deny *.evil.org', 'allow public-internet'], 'example.com', 'allow', 1],
    ['a rule without a destination', ['deny', 'allow example.com'], 'example.com', 'deny', 0],
    ['a preset that denies', ['deny public-internet', 'allow example.com'], 'example.com', 'deny', 0],
    ['an allow limited to ports', ['allow example.com 443'], 'example.com', 'allow', 0],
    ['a deny limited to ports', ['deny example.com 25', 'allow public-internet'], 'example.com', 'allow', 1],
    ['a deny of ports everywhere', ['deny any 25', 'allow example.com'], 'example.com', 'allow', 1],
    ['a deny limited to ports, before nothing', ['deny example.com 25'], 'example.com', 'deny', null],
    ['rules about addresses', ['deny 0.0.0.0/0', 'allow 10.0.0.0/8'], 'example.com', 'deny', null],
    ['a host of a preset', ['allow package-registries'], 'npm.example.org', 'allow', 0],
    ['a host of a preset on another port', ['allow package-registries'], 'mirror.example.net', 'allow', 0],
    ['a host that is not in the preset', ['allow package-registries'], 'npmjs.org', 'deny', null],
    ['a denied preset', ['deny package-registries', 'allow public-internet'], 'pypi.example.org', 'deny', 0],
  ]
  test.each(rows)('%s: %j, %s → %s', (_what, rules, name, verdict, rule) => {
    expect(decide(rules, name)).toMatchObject({ verdict, rule })
  })

  test('is told with the rule that decided, or that there was none', () => {
    expect(decide(['allow a.example', 'deny *.evil.org'], 'x.evil.org').reason).toBe('rule 1 denies *.evil.org')
    expect(decide(['allow a.example 443 8000-8999'], 'a.example').reason).toBe(
      'rule 0 allows a.example on port 443, 8000-8999',
    )
    expect(decide(['deny'], 'a.example').reason).toBe('rule 0 denies everything')
    expect(decide([], 'a.example').reason).toBe('no rule allows it')
    expect(decide([], 'a.example', 'allow').reason).toBe('no rule names it, and the default is allow')
  })

  test.each(['', '.', '1.2.3.4', '2130706433', '::1', 'a b', 'a\0.example.com', `${'a'.repeat(64)}.example.com`])(
    'what is no name is denied even if all is allowed: %j',
    (name) => {
      const verdict = { verdict: 'deny', rule: null, reason: 'this is not a host name' }
      expect(decide(['allow public-internet'], name, 'allow')).toEqual(verdict)
    },
  )
})
