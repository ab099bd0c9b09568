// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { NetworkLog } from './network-log.ts'

const entry = (host: string) =>
  ({
    verdict: 'deny',
    rule: null,
    reason: 'no rule allows it',
    kind: 'connection',
    host,
    address: '192.0.2.1',
    port: 443,
    protocol: 'tls',
    method: null,
    bytesUp: null,
    bytesDown: null,
  }) as const

describe('the log of a network', () => {
  it('keeps sandboxes apart and entries in order, and reads on from any of them', () => {
    const log = new NetworkLog(() => 0)
    for (const host of ['a', 'b', 'c']) log.add('one', entry(host))
    log.add('two', entry('d'))
    const [first] = log.read('one')
    expect(log.read('one').map(({ host }) => host)).toEqual(['a', 'b', 'c'])
    expect(log.read('one', first?.sequence).map(({ host }) => host)).toEqual(['b', 'c'])
    expect(log.read('two')).toHaveLength(1)
    expect(first?.at).toBe('1970-01-01T00:00:00.000Z')
  })

  it('lets the oldest go, and the sequence shows it', () => {
    const log = new NetworkLog()
    for (let index = 0; index < 1100; index++) log.add('one', entry('a'))
    expect(log.read('one')).toHaveLength(1000)
    expect(log.read('one')[0]?.sequence).toBe(101)
  })

  it('takes out what could write to a terminal', () => {
    const log = new NetworkLog()
    log.add('one', entry('evil\u001b[2J\u202e.example'))
    expect(log.read('one')[0]?.host).toBe('evil [2J .example')
  })

  it('follows what comes, until the sandbox is gone', async () => {
    const log = new NetworkLog()
    log.add('one', entry('a'))
    const seen: (string | null)[] = []
    const following = (async () => {
      for await (const { host } of log.follow('one', 0, new AbortController().signal)) {
        seen.push(host)
        if (host === 'b') log.forget('one')
      }
    })()
    await Promise.resolve()
    log.add('one', entry('b'))
    await following
    expect(seen).toEqual(['a', 'b'])
  })

  it('is left when the reader goes', async () => {
    const log = new NetworkLog()
    const leaving = new AbortController()
    const following = log.follow('one', 0, leaving.signal).next()
    leaving.abort()
    expect(await following).toEqual({ done: true, value: undefined })
  })
})
