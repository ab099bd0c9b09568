// SPDX-License-Identifier: Apache-2.0
import { Sandbox, type SandboxInfo } from '@isola/sdk'
import type { Command } from 'commander'
import { collectKeyValue, type KeyValues, LABEL_NAME } from '../args/key-value.ts'
import type { CommandContext } from '../command-context.ts'
import { formatJson } from '../output/json.ts'
import { formatAge, formatTable } from '../output/table.ts'

interface ListFlags {
  readonly label?: KeyValues
  readonly quiet?: boolean
  readonly json?: boolean
}

const EXAMPLES = `
Examples:
  isola ls
  isola ls --label team=search
  isola rm $(isola ls -q)`

export function configure(command: Command, context: CommandContext): void {
  command
    .option('--label <key=value>', 'only those with this mark; may be repeated', (text, all?: KeyValues) =>
      collectKeyValue('--label', LABEL_NAME, text, all),
    )
    .option('-q, --quiet', 'ids only')
    .option('--json', 'as a JSON array')
    .addHelpText('after', EXAMPLES)
    .action((flags: ListFlags) => list(flags, context))
}

async function list(flags: ListFlags, context: CommandContext): Promise<void> {
  const { stdout } = context.terminal
  const sandboxes: SandboxInfo[] = []
  for await (const sandbox of Sandbox.list({ client: context.connect(), labels: flags.label })) sandboxes.push(sandbox)
  if (flags.json === true) await stdout.write(formatJson(sandboxes))
  else if (flags.quiet === true) await stdout.write(sandboxes.map(({ id }) => `${id}\n`).join(''))
  else
    await stdout.write(formatTable(['ID', 'NAME', 'STATE', 'TEMPLATE', 'DRIVER', 'AGE', 'LABELS'], sandboxes.map(row)))
}

function row(sandbox: SandboxInfo): string[] {
  const { id, name, state, template, driver, createdAt, labels } = sandbox
  const marks = Object.entries(labels).map(([key, value]) => `${key}=${value}`)
  return [id, name ?? '-', state, template, driver, formatAge(createdAt, Date.now()), marks.join(',')]
}
