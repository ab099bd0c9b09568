// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { searchPathInside } from './search-path.ts'

const SYSTEM = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

test('toolchains come before the system, what Isola brings comes last', () => {
  expect(
    searchPathInside(['/home/a/.pyenv/shims', '/usr/bin'], ['/home/a/.pyenv/versions/3.11'], ['/opt/isola/node']),
  ).toBe(`/home/a/.pyenv/versions/3.11/bin:${SYSTEM}:/opt/isola/node/bin`)
})

test('a directory of the caller below /usr stays, one that is not inside goes', () => {
  expect(searchPathInside(['/home/a/bin', '/usr/local/go/bin', '/usr/bin'], [], [])).toBe(`/usr/local/go/bin:${SYSTEM}`)
})

test('no directory is named twice', () => {
  expect(searchPathInside(['/opt/x/bin', '/opt/x/bin', '/usr/sbin'], ['/opt/x'], [])).toBe(`/opt/x/bin:${SYSTEM}`)
})
