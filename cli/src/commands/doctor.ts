// SPDX-License-Identifier: Apache-2.0
import { IsolaError } from '@isola/sdk'
import type { Command } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { doctorInProcess, type FixedDoctorReport } from '../local-server/isolad.host.ts'
import { describeDoctor } from '../output/doctor-sheet.ts'
import { formatJson } from '../output/json.ts'
import { withPatience } from '../output/patience.ts'
import { EXIT } from '../session/exit-code.ts'

const EXAMPLES = `
Each verdict comes from really trying. The exit code is 1 when nothing here can isolate.

Examples:
  isola doctor
  sudo isola doctor --fix`

export function configure(command: Command, context: CommandContext): void {
  command
    .option('--fix', 'mend what can be mended on this machine')
    .option('--json', 'as JSON')
    .addHelpText('after', EXAMPLES)
    .action((flags: { fix?: boolean; json?: boolean }) => doctor(flags, context))
}

async function doctor(flags: { fix?: boolean; json?: boolean }, context: CommandContext): Promise<void> {
  const { stdout, stderr } = context.terminal
  const examining = flags.fix === true ? doctorInProcess(true) : examine(context)
  const report = await withPatience(stderr, () => 'isola: trying what this machine can do…', examining)
  await stdout.write(flags.json === true ? formatJson(report) : describeDoctor(report, stdout.colors))
  if (!report.drivers.some(({ available }) => available)) context.exitCode = EXIT.failed
}

/** The server knows best; when it cannot even start, a process of its own finds out why. */
async function examine(context: CommandContext): Promise<FixedDoctorReport> {
  const client = context.connect()
  try {
    return await client.doctor()
  } catch (error) {
    const local = client.stateDirectory !== undefined
    if (local && IsolaError.is(error) && (error.code.startsWith('server.') || error.code.startsWith('host.')))
      return doctorInProcess(false)
    throw error
  }
}
