// SPDX-License-Identifier: Apache-2.0
import { type Driver, Operation, type Random, trySandbox } from '@isola/core'
import type { DoctorReport } from '@isola/protocol'
import type * as z from 'zod'

const PROBE_MS = 60_000

/** What each driver can do on this host, found by really trying. */
export async function doctorReport(
  drivers: readonly Driver[],
  stateDirectory: string,
  random: Random,
): Promise<z.output<typeof DoctorReport>> {
  const reports = drivers.map(async (driver) => {
    const report = await driver.probe(new Operation(`probe ${driver.name}`, { timeoutMs: PROBE_MS }))
    if (!report.available) return { driver: driver.name, ...report, checks: [...report.checks] }
    const trial = await trySandbox(driver, random)
    return { driver: driver.name, ...report, available: trial.ok, checks: [...report.checks, trial] }
  })
  return { drivers: await Promise.all(reports), stateDirectory }
}
