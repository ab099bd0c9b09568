// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander'
import { parseListen } from '../args/listen-address.ts'
import type { CommandContext } from '../command-context.ts'
import { formatJson } from '../output/json.ts'
import { serveInForeground } from '../local-server/isolad.host.ts'

const EXAMPLES = `
The socket answers to the user who started the server. TCP needs the key, except for /v1/health and
/v1/openapi.json.

Examples:
  isola serve
  isola serve --listen 127.0.0.1:4949
  ISOLA_URL=http://127.0.0.1:4949 ISOLA_API_KEY=$(cat KEY-FILE) isola ls`

export function configure(command: Command, context: CommandContext): void {
  command
    .option('--listen <host:port>', 'listen on TCP as well', parseListen)
    .option('--json', 'where it listens, as one JSON object')
    .addHelpText('after', EXAMPLES)
    .action((flags: { listen?: string; json?: boolean }) => serve(flags, context))
}

async function serve(flags: { listen?: string; json?: boolean }, context: CommandContext): Promise<void> {
  const { stdout } = context.terminal
  context.exitCode = await serveInForeground(flags.listen, async (ready) => {
    if (flags.json === true) return stdout.write(formatJson(ready))
    const facts: [string, string | null][] = [
      ['socket', ready.socket],
      ['url', ready.url],
      [
        'key',
        ready.keyFile === null || ready.url === null
          ? null
          : `in ${ready.keyFile}, sent as \`Authorization: Bearer …\``,
      ],
      ['state', ready.stateDirectory],
    ]
    const lines = facts.flatMap(([name, value]) => (value === null ? [] : [`  ${name.padEnd(8)}${value}\n`]))
    await stdout.write(
      `isola ${ready.version} serves (pid ${ready.pid}); Ctrl-C ends it, sandboxes live on\n${lines.join('')}`,
    )
  })
}
