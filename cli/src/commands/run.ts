// SPDX-License-Identifier: Apache-2.0
import { Sandbox } from '@isola/sdk'
import type { Command } from 'commander'
import { addProcessOptions, type ProcessFlags } from '../args/process-options.ts'
import { addSandboxOptions, createOptions, type SandboxFlags } from '../args/sandbox-options.ts'
import type { CommandContext } from '../command-context.ts'
import { parseCopy } from '../copy/endpoint.ts'
import { CREATING, withPatience } from '../output/patience.ts'
import { Interrupts } from '../session/interrupts.ts'
import { runCommand } from '../session/run-command.ts'

interface RunFlags extends SandboxFlags, ProcessFlags {
  readonly copy?: readonly { source: string; target: string | undefined }[]
  readonly keep?: boolean
  readonly verbose?: boolean
}

const EXAMPLES = `
The exit code is that of the command; 128+n when a signal ended it, 124 timed out, 137 out of
memory, 125 isola failed, 126 not executable, 127 not found, 130 Ctrl-C. Signals to end, SIGUSR1 and
SIGUSR2 go to the command; Ctrl-C or SIGTERM once more ends everything at once.

Examples:
  isola run -- python3 -c 'print(6*7)'
  echo hi | isola run -- cat
  isola run --timeout 60s --memory 512m --cpus 2 -- npm test
  isola run --copy ./project --workdir /home/user/project -- make check
  isola run --keep --name lab -- sh`

export function configure(command: Command, context: CommandContext): void {
  command.argument('<command...>', 'program and arguments').usage('[options] -- COMMAND...').passThroughOptions()
  addSandboxOptions(command)
  addProcessOptions(command)
  command
    .option('--copy <src[:dst]>', 'copy a file or directory in first; may be repeated', parseCopy)
    .option('--keep', 'keep the sandbox when the command has ended')
    .option('-v, --verbose', 'say first which isolation was really given')
    .addHelpText('after', EXAMPLES)
    .action((argv: string[], flags: RunFlags) => run(argv, flags, context))
}

async function run(argv: string[], flags: RunFlags, context: CommandContext): Promise<void> {
  using interrupts = new Interrupts()
  const { stderr } = context.terminal
  const sandbox = await createSandbox(flags, context, interrupts)
  const destroySandbox = flags.keep !== true
  try {
    if (flags.verbose === true) await stderr.write(`isola: ${sandbox.info.isolation}, sandbox ${sandbox.id}\n`)
    await copyIn(sandbox, flags, context, interrupts)
    await runCommand(sandbox, argv, { flags, env: undefined, destroySandbox }, context, interrupts)
  } catch (error) {
    // It ends with its connection as well; this makes it certain before we are gone.
    if (destroySandbox) await destroyQuietly(sandbox)
    throw error
  }
  if (!destroySandbox) await stderr.write(`isola: kept sandbox ${sandbox.name ?? sandbox.id}\n`)
}

async function createSandbox(flags: RunFlags, context: CommandContext, interrupts: Interrupts): Promise<Sandbox> {
  const creating = Sandbox.create({
    ...createOptions(flags),
    client: context.connect(),
    ephemeral: flags.keep !== true,
    signal: interrupts.signal,
  })
  return withPatience(context.terminal.stderr, () => CREATING, creating)
}

async function copyIn(
  sandbox: Sandbox,
  flags: RunFlags,
  context: CommandContext,
  interrupts: Interrupts,
): Promise<void> {
  if (flags.copy === undefined) return
  const { upload } = await import('../copy/upload.ts')
  const { copyWithProgress } = await import('../copy/progress.ts')
  for (const { source, target } of flags.copy) {
    const options = { sandbox, user: flags.user, signal: interrupts.signal }
    await copyWithProgress(context, (progress) => upload(source, target ?? '.', options, progress))
  }
}

async function destroyQuietly(sandbox: Sandbox): Promise<void> {
  // The reason is on its way to the user; a sandbox that is gone already is what we want.
  await sandbox.destroy().catch(() => undefined)
}
