// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { mayShow } from './safe-prefix.ts'

const KEEP_OUT = ['/root', '/home/alice', '/var/lib/isola']

test.each(['/root/.pyenv/versions/3.11.7', '/home/alice/.nvm/versions/node/v24.1.0', '/opt/python', '/srv/go'])(
  '%s may be shown',
  (prefix) => {
    expect(mayShow(prefix, KEEP_OUT)).toBe(true)
  },
)

test.each([
  ['the root', '/'],
  ['the data of all programs of a user', '/home/alice/.local'],
  ['a home', '/home/alice'],
  ['the home of somebody else', '/home/bob'],
  ['what contains homes', '/home'],
  ['what contains the state directory', '/var/lib'],
  ['the state directory', '/var/lib/isola'],
  ['the configuration of the host', '/etc/alternatives'],
  ['what is inside already', '/usr/local'],
  ['a path that climbs', '/opt/../root'],
  ['a relative path', 'opt'],
])('%s is refused', (_, prefix) => {
  expect(mayShow(prefix, KEEP_OUT)).toBe(false)
})
