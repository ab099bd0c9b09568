// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { parseHostsFile } from './dns-hosts-file.ts'

test('each name of a hosts file has all its addresses', () => {
  const text = `
# a comment
127.0.0.1\tlocalhost
::1   localhost ip6-localhost  # the same
10.0.0.1 DB.example.org db
fe80::1%eth0 zone.example.org
not-an-address other.example.org
10.0.0.2 bad/name
`
  expect(Object.fromEntries(parseHostsFile(text))).toEqual({
    localhost: ['127.0.0.1', '::1'],
    'ip6-localhost': ['::1'],
    'db.example.org': ['10.0.0.1'],
    db: ['10.0.0.1'],
  })
})
