// SPDX-License-Identifier: Apache-2.0
import { Sandbox, type SandboxInfo } from '@isola/sdk'
import type { Command } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { formatJson } from '../output/json.ts'
import { describeSandbox } from '../output/sandbox-sheet.ts'

const EXAMPLES = `
Examples:
  isola inspect lab
  isola inspect --json lab`

export function configure(command: Command, context: CommandContext): void {
  command
    .argument('<sandbox...>', 'ids or names')
    .option('--json', 'as JSON: one object, or an array when several are asked for')
    .addHelpText('after', EXAMPLES)
    .action((names: string[], flags: { json?: boolean }) => inspect(names, flags.json === true, context))
}

async function inspect(names: readonly string[], json: boolean, context: CommandContext): Promise<void> {
  const client = context.connect()
  const found: SandboxInfo[] = []
  for (const name of names) found.push((await Sandbox.connect(name, { client })).info)
  const { stdout } = context.terminal
  if (json) await stdout.write(formatJson(found.length === 1 ? found[0] : found))
  else await stdout.write(found.map(describeSandbox).join('\n'))
}
