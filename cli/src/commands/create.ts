// SPDX-License-Identifier: Apache-2.0
import { Sandbox } from '@isola/sdk'
import type { Command } from 'commander'
import { parseWorkdir } from '../args/process-options.ts'
import { addSandboxOptions, createOptions, type SandboxFlags } from '../args/sandbox-options.ts'
import type { CommandContext } from '../command-context.ts'
import { formatJson } from '../output/json.ts'
import { CREATING, withPatience } from '../output/patience.ts'
import { Interrupts } from '../session/interrupts.ts'

interface CreateFlags extends SandboxFlags {
  readonly workdir?: string
  readonly json?: boolean
}

const EXAMPLES = `
Prints the id. The sandbox stays until \`isola rm\`.

Examples:
  isola create --name lab --memory 1g --cpus 2
  id=$(isola create) && isola exec $id -- uname -a`

export function configure(command: Command, context: CommandContext): void {
  addSandboxOptions(command)
  command
    .option('--workdir <path>', 'where commands start (default: /home/user)', parseWorkdir)
    .option('--json', 'all that is known of it, as JSON')
    .addHelpText('after', EXAMPLES)
    .action((flags: CreateFlags) => create(flags, context))
}

async function create(flags: CreateFlags, context: CommandContext): Promise<void> {
  using interrupts = new Interrupts()
  const { stdout, stderr } = context.terminal
  const creating = Sandbox.create({
    ...createOptions(flags),
    workdir: flags.workdir,
    client: context.connect(),
    signal: interrupts.signal,
  })
  const { info } = await withPatience(stderr, () => CREATING, creating)
  await stdout.write(flags.json === true ? formatJson(info) : `${info.id}\n`)
}
