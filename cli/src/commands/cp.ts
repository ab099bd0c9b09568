// SPDX-License-Identifier: Apache-2.0
import { Sandbox } from '@isola/sdk'
import type { Command } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { type CopyOptions, download, openRemote } from '../copy/download.ts'
import { parseTransfer, type Transfer } from '../copy/endpoint.ts'
import { type CopyProgress, copyWithProgress } from '../copy/progress.ts'
import { upload } from '../copy/upload.ts'
import { formatJson } from '../output/json.ts'
import { Interrupts } from '../session/interrupts.ts'

interface CopyFlags {
  readonly user?: string
  readonly json?: boolean
}

const EXAMPLES = `
SANDBOX:PATH on one side, a path of this machine on the other; - is standard input or output.
Links are copied as links and never followed; one that points out of what is copied is left out
on the way from a sandbox. Modes are kept, except setuid, setgid and sticky.

Examples:
  isola cp project lab:/home/user
  isola cp lab:/home/user/out.tar .
  isola cp lab:report.json - | jq .
  curl -sL URL | isola cp - lab:/tmp/archive.tgz`

export function configure(command: Command, context: CommandContext): void {
  command
    .argument('<src>', 'what to copy')
    .argument('<dst>', 'where to')
    .option('--user <name>', 'acts as this user inside (default: user)')
    .option('--json', 'what was copied, as JSON')
    .addHelpText('after', EXAMPLES)
    .action((source: string, target: string, flags: CopyFlags) => copy(parseTransfer(source, target), flags, context))
}

async function copy(transfer: Transfer, flags: CopyFlags, context: CommandContext): Promise<void> {
  using interrupts = new Interrupts()
  const name = transfer.direction === 'in' ? transfer.to.sandbox : transfer.from.sandbox
  const { signal } = interrupts
  const sandbox = await Sandbox.connect(name, { client: context.connect(), signal })
  const options: CopyOptions = { sandbox, user: flags.user, signal }
  const { files, bytes, skipped } = await copyWithProgress(context, (progress) =>
    carry(transfer, options, progress, context),
  )
  if (flags.json === true && transfer.to.kind !== 'stream')
    await context.terminal.stdout.write(formatJson({ files, bytes, skipped }))
}

async function carry(
  transfer: Transfer,
  options: CopyOptions,
  progress: CopyProgress,
  { terminal }: CommandContext,
): Promise<void> {
  if (transfer.direction === 'out') {
    const { from, to } = transfer
    if (to.kind === 'local') return download(from.path, to.path, options, progress)
    for await (const chunk of await openRemote(from.path, options, progress)) await terminal.stdout.write(chunk)
  } else {
    const { from, to } = transfer
    if (from.kind === 'local') return upload(from.path, to.path, options, progress)
    const { user, signal, sandbox } = options
    await sandbox.files.write(to.path, progress.count(terminal.stdin), { user, signal, parents: true })
  }
  progress.files++
}
