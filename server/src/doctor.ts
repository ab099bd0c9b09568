// SPDX-License-Identifier: Apache-2.0
import { type Driver, Operation, type Random, trySandbox } from '@isola/core'
import type { DoctorReport, ProbeCheck } from '@isola/protocol'
import type * as z from 'zod'

const PROBE_MS = 60_000
const INSTEAD = 'look at isolad.log in the state directory, and at launcher.log below it'

/** What each driver can do on this host, found by really trying. */
export async function doctorReport(
  drivers: readonly Driver[],
  stateDirectory: string,
  random: Random,
): Promise<z.output<typeof DoctorReport>> {
  const reports = drivers.map(async (driver) => {
    const report = await driver.probe(new Operation(`probe ${driver.name}`, { timeoutMs: PROBE_MS }))
    if (!report.available) return { driver: driver.name, ...report, checks: report.checks.map(withOwnHint) }
    const trial = await trySandbox(driver, random)
    return { driver: driver.name, ...report, available: trial.ok, checks: [...report.checks, trial].map(withOwnHint) }
  })
  return { drivers: await Promise.all(reports), stateDirectory }
}

/** What an error advises by default is to ask the doctor, and here it is the doctor who is asked. */
function withOwnHint(check: ProbeCheck): ProbeCheck {
  return check.hint?.includes('`isola doctor`') === true ? { ...check, hint: INSTEAD } : check
}
