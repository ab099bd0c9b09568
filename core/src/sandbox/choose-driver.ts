// SPDX-License-Identifier: Apache-2.0
import { IsolaError } from '@isola/protocol'
import type { Driver, DriverReport } from '../driver/driver.ts'
import type { Operation } from '../operation/operation.ts'

export interface ChosenDriver {
  readonly driver: Driver
  readonly report: DriverReport
}

/**
 * The driver that was asked for, or the first that works here. One that was asked for by name is
 * never replaced by another.
 * @throws driver.not_found, driver.unavailable with the failed checks
 */
export async function chooseDriver(
  drivers: readonly Driver[],
  name: string | undefined,
  operation: Operation,
): Promise<ChosenDriver> {
  if (name !== undefined) return requireAvailable(driverNamed(drivers, name), operation)
  let failure: IsolaError | undefined
  for (const driver of drivers) {
    try {
      return await requireAvailable(driver, operation)
    } catch (error) {
      if (!IsolaError.is(error) || error.code !== 'driver.unavailable') throw error
      failure ??= error
    }
  }
  throw failure ?? new IsolaError('driver.unavailable', 'this server has no drivers')
}

/** @throws driver.not_found */
export function driverNamed(drivers: readonly Driver[], name: string): Driver {
  const driver = drivers.find((candidate) => candidate.name === name)
  if (driver === undefined) {
    throw new IsolaError('driver.not_found', `there is no driver ${JSON.stringify(name)}`, {
      context: { drivers: drivers.map((candidate) => candidate.name) },
    })
  }
  return driver
}

async function requireAvailable(driver: Driver, operation: Operation): Promise<ChosenDriver> {
  const report = await operation.race(driver.probe(operation))
  if (report.available) return { driver, report }
  const failed = report.checks.filter((check) => !check.ok)
  const first = failed[0]
  throw new IsolaError(
    'driver.unavailable',
    `driver ${driver.name} does not work on this host${first === undefined ? '' : `: ${first.id}: ${first.detail}`}`,
    {
      ...(first?.hint ? { hint: first.hint } : {}),
      context: { driver: driver.name, failed: failed.map((check) => check.id) },
    },
  )
}
