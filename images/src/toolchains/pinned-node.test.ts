// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { pinnedNode } from './pinned-node.ts'

const KEEP_OUT = ['/root', '/home', '/home/alice', '/var/lib/isola']

test('an installation of its own is shown whole', () => {
  expect(pinnedNode('/home/alice/.nvm/versions/node/v24.1.0/bin/node', KEEP_OUT)).toEqual({
    source: '/home/alice/.nvm/versions/node/v24.1.0',
    target: '/opt/isola/node',
  })
})

test.each(['/home/alice/bin/node', '/home/alice/.local/bin/node', '/root/bin/node', '/home/bin/node', '/bin/node'])(
  'of %s nothing but the program is shown',
  (program) => {
    expect(pinnedNode(program, KEEP_OUT)).toEqual({ source: program, target: '/opt/isola/node/bin/node', isFile: true })
  },
)
