// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { fakeDriver } from '../test/fake-driver.ts'
import { doctorReport } from './doctor.ts'
import { systemRandom } from './lifecycle/system-ports.ts'

const FIX = 'writing an AppArmor profile needs root: run `sudo isola doctor --fix` once'

test('a hint never sends to the doctor who gives it', async () => {
  const fixable = { id: 'apparmor-userns', ok: false, detail: 'restricted', hint: FIX }
  const driver = fakeDriver([], {
    probe: async () => ({ available: true, isolation: 'some', checks: [fixable], capabilities: null }),
  })
  const { drivers } = await doctorReport([driver], '/state', systemRandom)
  expect(drivers).toMatchObject([
    {
      available: false,
      checks: [fixable, { id: 'whole-sandbox', ok: false, hint: expect.not.stringContaining('isola doctor') }],
    },
  ])
})
