// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { seeFirstBytes } from './first-bytes.ts'

const see = (text: string, isComplete = false) => seeFirstBytes(Buffer.from(text), isComplete)

describe('first bytes', () => {
  it.each([
    ['', false, { kind: 'incomplete' }],
    ['', true, { kind: 'known', firstBytes: 'none' }],
    ['GET / HTTP/1.1\r\n', false, { kind: 'known', firstBytes: { kind: 'http-proxy' } }],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', false, { kind: 'known', firstBytes: { kind: 'malformed' } }],
    ['SSH-2.0-OpenSSH_9.2\r\n', false, { kind: 'known', firstBytes: { kind: 'other' } }],
    ['GE', false, { kind: 'incomplete' }],
    ['GE', true, { kind: 'known', firstBytes: { kind: 'malformed' } }],
    ['\u0016\u0003\u0001', false, { kind: 'incomplete' }],
    ['\u0016\u0003\u0001', true, { kind: 'known', firstBytes: { kind: 'malformed' } }],
  ])('%j, and no more: %s', (text, isComplete, expected) => {
    expect(see(text, isComplete)).toEqual(expected)
  })

  it('that never become a line are not waited for without end', () => {
    expect(see('A'.repeat(9000))).toMatchObject({ kind: 'known' })
  })
})
