// SPDX-License-Identifier: Apache-2.0
// The program with a driver that makes no sandboxes, to be started as a process.
import { runIsolad } from '../src/isolad.ts'
import { fakeDriver } from './fake-driver.ts'

await runIsolad(process.argv.slice(2), () => [fakeDriver()])
