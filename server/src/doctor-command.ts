// SPDX-License-Identifier: Apache-2.0
import { parseArgs } from 'node:util'
import { type AppliedFix, type Driver, type Journal, Operation } from '@isola/core'
import { IsolaError } from '@isola/protocol'
import { doctorReport } from './doctor.ts'
import type { MakeDrivers } from './lifecycle/serve.ts'
import { openStateDirectory } from './lifecycle/state-directory.host.ts'
import { systemRandom } from './lifecycle/system-ports.ts'

const OPTIONS = { json: { type: 'boolean' }, fix: { type: 'boolean' }, state: { type: 'string' } } as const
const FIX_MS = 60_000

/** Repairs if asked to, then probes; without a server, but drivers share what already runs in the state directory. */
export async function runDoctorCommand(
  args: readonly string[],
  defaultDirectory: string,
  makeDrivers: MakeDrivers,
  journal: Journal,
) {
  const options = parse(args)
  const stateDirectory = openStateDirectory(options.state ?? defaultDirectory)
  const drivers = makeDrivers(stateDirectory, journal)
  try {
    const fixes = options.fix === true ? await fixAll(drivers) : undefined
    const report = await doctorReport(drivers, stateDirectory, systemRandom)
    return fixes === undefined ? report : { ...report, fixes }
  } finally {
    await Promise.all(drivers.map((driver) => driver.close()))
  }
}

async function fixAll(drivers: readonly Driver[]): Promise<AppliedFix[]> {
  const fixes: AppliedFix[] = []
  for (const driver of drivers)
    fixes.push(...(await driver.fix(new Operation(`fix ${driver.name}`, { timeoutMs: FIX_MS }))))
  return fixes
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true }).values
  } catch (error) {
    throw new IsolaError('request.invalid', `isolad doctor: ${(error as Error).message}`, {
      hint: 'options: --json, --fix, --state',
    })
  }
}
