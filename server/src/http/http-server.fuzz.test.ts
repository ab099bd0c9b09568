// SPDX-License-Identifier: Apache-2.0
import { test } from 'vitest'
import { fuzzHttp } from '../../test/fuzz-http.ts'

test('whatever the body, the answer is a success or a typed refusal', async () => {
  await fuzzHttp(3_000)
}, 60_000)
