// SPDX-License-Identifier: Apache-2.0
import { Sandbox } from '@isola/sdk'
import type { Command } from 'commander'
import { collectKeyValue, ENV_NAME, type KeyValues } from '../args/key-value.ts'
import { addProcessOptions, type ProcessFlags } from '../args/process-options.ts'
import type { CommandContext } from '../command-context.ts'
import { Interrupts } from '../session/interrupts.ts'
import { runCommand } from '../session/run-command.ts'

interface ExecFlags extends ProcessFlags {
  readonly env?: KeyValues
}

const EXAMPLES = `
The exit code is that of the command; see \`isola run --help\` for the others.

Examples:
  isola exec lab -- ls -l
  isola exec lab -- sh
  tar c . | isola exec lab -- tar x
  isola exec --user root --timeout 5m lab -- dpkg -i /home/user/tool.deb`

export function configure(command: Command, context: CommandContext): void {
  command
    .argument('<sandbox>', 'id or name')
    .argument('<command...>', 'program and arguments')
    .usage('[options] SANDBOX -- COMMAND...')
    .passThroughOptions()
    .option('-e, --env <key=value>', 'an environment variable; may be repeated', (text, all?: KeyValues) =>
      collectKeyValue('--env', ENV_NAME, text, all),
    )
  addProcessOptions(command)
  command
    .addHelpText('after', EXAMPLES)
    .action((sandbox: string, argv: string[], flags: ExecFlags) => exec(sandbox, argv, flags, context))
}

async function exec(idOrName: string, argv: string[], flags: ExecFlags, context: CommandContext): Promise<void> {
  using interrupts = new Interrupts()
  const sandbox = await Sandbox.connect(idOrName, { client: context.connect(), signal: interrupts.signal })
  // `exec ID -- CMD` leaves the two dashes in front of the command, because options end at ID.
  const command = argv[0] === '--' ? argv.slice(1) : argv
  await runCommand(sandbox, command, { flags, env: flags.env, destroySandbox: false }, context, interrupts)
}
