// SPDX-License-Identifier: Apache-2.0
import { test } from 'vitest'
import { fuzzHttp } from './fuzz-http.ts'
import { fuzzStream } from './fuzz-stream.ts'

test('a million frames', async () => {
  await fuzzStream(250_000)
})

test('a hundred thousand bodies', async () => {
  await fuzzHttp(100_000)
})
