// SPDX-License-Identifier: Apache-2.0
import { test } from 'vitest'
import { fuzzStream } from '../../test/fuzz-stream.ts'

// Four frames on average: more than 10,000 of them.
test('whatever a client sends, the stream ends with it and no process is left', async () => {
  await fuzzStream(3_000)
}, 60_000)
