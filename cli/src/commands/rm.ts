// SPDX-License-Identifier: Apache-2.0
import { createInterface } from 'node:readline/promises'
import { type Client, Sandbox } from '@isola/sdk'
import type { Command } from 'commander'
import { ArgumentError } from '../args/argument-error.ts'
import type { CommandContext } from '../command-context.ts'
import { eachConcurrently } from '../copy/each-concurrently.ts'
import { type ErrorReport, formatReport, reportOf } from '../output/error-report.ts'
import { formatJson } from '../output/json.ts'
import { EXIT } from '../session/exit-code.ts'
import { Interrupted } from '../session/interrupts.ts'

interface RemoveFlags {
  readonly all?: boolean
  readonly yes?: boolean
  readonly json?: boolean
}

const EXAMPLES = `
Examples:
  isola rm lab
  isola rm --all --yes`

const AT_ONCE = 16

export function configure(command: Command, context: CommandContext): void {
  command
    .argument('[sandbox...]', 'ids or names')
    .option('--all', 'every sandbox of this server')
    .option('-y, --yes', 'do not ask')
    .option('--json', 'what was removed and what failed, as JSON')
    .addHelpText('after', EXAMPLES)
    .action((names: string[], flags: RemoveFlags) => remove(names, flags, context))
}

async function remove(given: readonly string[], flags: RemoveFlags, context: CommandContext): Promise<void> {
  if ((flags.all === true) === given.length > 0)
    throw new ArgumentError('rm: what to remove is not clear', 'name sandboxes, or write --all')
  const client = context.connect()
  const names = flags.all === true ? await allSandboxes(client) : given
  if (flags.all === true && flags.yes !== true && names.length > 0) await confirm(names.length, context)
  const removed: string[] = []
  const failed: { sandbox: string; error: ErrorReport }[] = []
  await eachConcurrently(names, AT_ONCE, async (name) => {
    try {
      await (await Sandbox.connect(name, { client })).destroy()
      removed.push(name)
    } catch (error) {
      failed.push({ sandbox: name, error: reportOf(error, 'rm') })
    }
  })
  const { stdout, stderr } = context.terminal
  if (flags.json === true) await stdout.write(formatJson({ removed, failed }))
  else {
    await stdout.write(removed.map((name) => `${name}\n`).join(''))
    for (const { error } of failed) await stderr.write(formatReport(error))
  }
  if (failed.length > 0) context.exitCode = EXIT.failed
}

async function allSandboxes(client: Client): Promise<string[]> {
  const ids: string[] = []
  for await (const { id } of Sandbox.list({ client })) ids.push(id)
  return ids
}

async function confirm(count: number, { terminal }: CommandContext): Promise<void> {
  if (!terminal.stdin.isTTY)
    throw new ArgumentError(`rm: --all would remove ${count} sandboxes and nobody can be asked`, 'add --yes')
  const question = createInterface({ input: terminal.stdin, output: process.stderr })
  const text = `remove ${count} sandbox${count === 1 ? '' : 'es'} and all they hold? [y/N] `
  const answer = await question
    .question(text)
    .catch(() => {
      throw new Interrupted('SIGINT')
    })
    .finally(() => question.close())
  if (!/^y(es)?$/i.test(answer.trim())) throw new ArgumentError('rm: nothing was removed', 'answer y to go on')
}
