// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { cleanUrl } from './registry-urls.ts'

test.each([
  ['https://packages.example.org/simple', 'https://packages.example.org/simple', 'packages.example.org', 443],
  ['http://Packages.Example.org:8080/a/', 'http://packages.example.org:8080/a/', 'packages.example.org', 8080],
  ['HTTP://packages.example.org', 'http://packages.example.org/', 'packages.example.org', 80],
])('%s is told as it is', (text, href, host, port) => {
  expect(cleanUrl(text)).toEqual({ href, hadCredentials: false, host: { host, port } })
})

test.each([
  'https://me:s3cret@packages.example.org/simple',
  'https://s3cret@packages.example.org/simple',
  'https://packages.example.org/simple?token=s3cret',
  'https://:s3cret@packages.example.org/simple?a=s3cret#s3cret',
])('%s loses its credentials', (text) => {
  expect(cleanUrl(text)).toEqual({
    href: 'https://packages.example.org/simple',
    hadCredentials: true,
    host: { host: 'packages.example.org', port: 443 },
  })
})

test.each(['http://10.0.0.1:8081/npm/', 'https://[fd00::1]/simple'])('%s has no name', (text) => {
  expect(cleanUrl(text)).toEqual({ href: text, hadCredentials: false })
})

test.each(['file:///srv/wheels', '/srv/wheels', 'ssh://git@packages.example.org/x', 'https://', 'direct', ''])(
  '%j is not fetched over HTTP',
  (text) => {
    expect(cleanUrl(text)).toBeUndefined()
  },
)
