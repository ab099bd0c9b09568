// SPDX-License-Identifier: Apache-2.0
import { IsolaError, type ServerInfo, VERSION } from '@isola/sdk'
import type { Command } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { formatJson } from '../output/json.ts'

const EXAMPLES = `
A server that does not run is not started.

Examples:
  isola version
  isola version --json`

export function configure(command: Command, context: CommandContext): void {
  command
    .option('--json', 'as JSON')
    .addHelpText('after', EXAMPLES)
    .action((flags: { json?: boolean }) => version(flags.json === true, context))
}

async function version(json: boolean, context: CommandContext): Promise<void> {
  const server = await runningServer(context)
  const { stdout } = context.terminal
  if (json) return stdout.write(formatJson({ client: VERSION, node: process.versions.node, server: server ?? null }))
  await stdout.write(`client  ${VERSION} (node ${process.versions.node})\n`)
  await stdout.write(
    server === undefined
      ? 'server  not running\n'
      : `server  ${server.version} (pid ${server.pid})\nagent   generation ${server.agentGeneration}\n`,
  )
}

async function runningServer(context: CommandContext): Promise<ServerInfo | undefined> {
  try {
    return await context.connect({ autoStart: false }).info()
  } catch (error) {
    if (IsolaError.is(error) && error.code === 'server.unreachable') return undefined
    throw error
  }
}
