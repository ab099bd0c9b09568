// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { tallyOf } from './cargo-output.ts'

const OUTPUT = `
running 3 tests
test frame::a_frame_survives ... ok
test mount::needs_root ... ignored, needs CAP_SYS_ADMIN
test mount::bare ... ignored

test result: ok. 1 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.00s

running 2 tests
test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s
`

test('tallyOf() adds up every test program and keeps the reasons', () => {
  expect(tallyOf(OUTPUT, 101)).toEqual({
    passed: 2,
    failed: 1,
    skipped: [
      { test: 'guest mount::needs_root', reason: 'needs CAP_SYS_ADMIN' },
      { test: 'guest mount::bare', reason: 'no reason given' },
    ],
  })
})

test('tallyOf() counts a crate that does not compile as one failure', () => {
  expect(tallyOf('error: could not compile `agent`', 101)).toEqual({ passed: 0, failed: 1, skipped: [] })
})
