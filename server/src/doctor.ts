// SPDX-License-Identifier: Apache-2.0
import { type Driver, Operation } from '@isola/core'
import type { DoctorReport } from '@isola/protocol'
import type * as z from 'zod'

const PROBE_MS = 60_000

/** What each driver can do on this host, found by really trying. */
export async function doctorReport(
  drivers: readonly Driver[],
  stateDirectory: string,
): Promise<z.output<typeof DoctorReport>> {
  const reports = drivers.map(async (driver) => {
    const report = await driver.probe(new Operation(`probe ${driver.name}`, { timeoutMs: PROBE_MS }))
    return { driver: driver.name, ...report, checks: [...report.checks] }
  })
  return { drivers: await Promise.all(reports), stateDirectory }
}
