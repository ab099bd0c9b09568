// SPDX-License-Identifier: Apache-2.0
import { type NetworkPolicy, Sandbox } from '@isola/sdk'
import type { Command } from 'commander'
import { parseNet } from '../args/network-option.ts'
import type { CommandContext } from '../command-context.ts'
import { formatJson } from '../output/json.ts'
import { describeEntry, describeExplanation, describeNetwork } from '../output/network-sheet.ts'
import { Interrupts } from '../session/interrupts.ts'

interface LogFlags {
  readonly follow?: boolean
  readonly json?: boolean
}

const POLICY = `
A policy is \`none\`, or rules separated by commas; the first that fits decides, and what none fits is denied:
  api.example.com         this name          *.example.com   all below it      .example.com   both
  10.0.0.0/8              these addresses, the only way to reach private ones; IPv6 in brackets
  public-internet         everything public  package-registries   those that this machine uses
  *                       everything public
  NAME:443, NAME:8000-8999   these ports only          -NAME   denied
Every one of the commands takes --json.

Examples:
  isola run --net api.example.com:443 -- node agent.js
  isola run --net=-ads.example.com,public-internet -- python3 crawl.py
  isola net set lab package-registries,10.0.0.5:5432
  isola net explain lab https://example.com/
  isola net log -f lab`

export function configure(command: Command, context: CommandContext): void {
  command.addHelpText('after', POLICY)
  const exit = (child: Command): Command => child.exitOverride().copyInheritedSettings(command)
  exit(command.command('show').description('the policy of a sandbox'))
    .argument('<sandbox>', 'id or name')
    .option('--json', 'as JSON')
    .action((name: string, flags: { json?: boolean }) => show(name, flags.json === true, context))
  exit(command.command('set').description('change the policy of a running sandbox'))
    .argument('<sandbox>', 'id or name')
    .argument('<policy>', 'see above', parseNet)
    .option('--json', 'the sandbox afterwards, as JSON')
    .action((name: string, policy: NetworkPolicy | 'none', flags: { json?: boolean }) =>
      set(name, policy, flags.json === true, context),
    )
  exit(command.command('explain').description('which rule decides about a URL, and why'))
    .argument('<sandbox>', 'id or name')
    .argument('<url>', 'https://…, http://…, tcp://host:port, or host:port')
    .option('--json', 'as JSON')
    .action((name: string, url: string, flags: { json?: boolean }) => explain(name, url, flags.json === true, context))
  exit(command.command('log').description('what was let through and what was not'))
    .argument('<sandbox>', 'id or name')
    .option('-f, --follow', 'go on with what comes')
    .option('--json', 'one JSON object a line')
    .action((name: string, flags: LogFlags) => log(name, flags, context))
}

async function show(name: string, json: boolean, context: CommandContext): Promise<void> {
  const { info } = await Sandbox.connect(name, { client: context.connect() })
  await context.terminal.stdout.write(json ? formatJson(info.network) : `${describeNetwork(info.network)}\n`)
}

async function set(
  name: string,
  policy: NetworkPolicy | 'none',
  json: boolean,
  context: CommandContext,
): Promise<void> {
  const sandbox = await Sandbox.connect(name, { client: context.connect() })
  const info = await sandbox.network.set(policy)
  if (json) await context.terminal.stdout.write(formatJson(info))
}

async function explain(name: string, url: string, json: boolean, context: CommandContext): Promise<void> {
  const sandbox = await Sandbox.connect(name, { client: context.connect() })
  const explanation = await sandbox.network.explain(url)
  await context.terminal.stdout.write(json ? formatJson(explanation) : describeExplanation(explanation))
}

async function log(name: string, { follow, json }: LogFlags, context: CommandContext): Promise<void> {
  using interrupts = new Interrupts()
  const { stdout } = context.terminal
  const sandbox = await Sandbox.connect(name, { client: context.connect(), signal: interrupts.signal })
  for await (const entry of sandbox.network.log({ follow, signal: interrupts.signal })) {
    await stdout.write(json === true ? `${JSON.stringify(entry)}\n` : `${describeEntry(entry)}\n`)
  }
}
