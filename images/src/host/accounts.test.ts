// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { sandboxGroup, sandboxPasswd, sandboxShadow } from './accounts.ts'

const PASSWD = `root:x:0:0:root:/root:/bin/zsh
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
postgres:x:101:104:PostgreSQL administrator,,,:/var/lib/postgresql:/bin/bash
alice:x:1000:1000:Alice Secret:/home/alice:/bin/bash
user:x:999:999::/:/bin/sh
toor:x:0:0::/root:/bin/sh
bad line
`

test('people of the host are not in the passwd of a sandbox', () => {
  expect(sandboxPasswd(PASSWD)).not.toMatch(/alice|Alice/)
})

test('system accounts keep their ids, homes and shells but not their comments', () => {
  expect(sandboxPasswd(PASSWD)).toContain('postgres:x:101:104::/var/lib/postgresql:/bin/bash\n')
  expect(sandboxPasswd(PASSWD)).not.toContain('administrator')
})

test('a second account with id 0 or with the name of the sandbox user is left out', () => {
  const lines = sandboxPasswd(PASSWD).split('\n')
  expect(lines.filter((line) => line.split(':')[2] === '0')).toEqual(['root:x:0:0:root:/root:/bin/bash'])
  expect(lines.filter((line) => line.startsWith('user:'))).toEqual(['user:x:1000:1000::/home/user:/bin/bash'])
})

test('groups lose their members', () => {
  expect(sandboxGroup('docker:x:999:alice\nalice:x:1000:\n')).toBe(
    'root:x:0:\ndocker:x:999:\nuser:x:1000:\nnogroup:x:65534:\n',
  )
})

test('every password in a sandbox is locked', () => {
  const shadow = sandboxShadow(sandboxPasswd(PASSWD)).trimEnd().split('\n')
  expect(shadow.every((line) => line.split(':')[1] === '*')).toBe(true)
  expect(shadow).toHaveLength(5)
})
