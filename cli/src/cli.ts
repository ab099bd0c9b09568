// SPDX-License-Identifier: Apache-2.0
import { Client, VERSION } from '@isola/sdk'
import { Command, CommanderError } from 'commander'
import { ArgumentError } from './args/argument-error.ts'
import type { CommandContext } from './command-context.ts'
import { COMMANDS, type CommandName, isCommandName } from './commands.ts'
import { type ErrorReport, formatReport, reportOf } from './output/error-report.ts'
import { formatJson } from './output/json.ts'
import { openTerminal, OutputClosed, type Terminal } from './output/terminal.ts'
import { errorExitCode, EXIT } from './session/exit-code.ts'
import { Interrupted } from './session/interrupts.ts'

const EXIT_BROKEN_PIPE = 141

/** Runs one command line and resolves with the exit code. */
export async function runCli(argv: readonly string[]): Promise<number> {
  const terminal = openTerminal()
  const name = chosenCommand(argv)
  const program = new Command('isola')
  const context: CommandContext = { terminal, exitCode: 0, connect: (options) => new Client(options) }
  try {
    const help = await buildProgram(program, name, context)
    try {
      await program.parseAsync(lineToParse(argv, name), { from: 'user' })
    } finally {
      if (help.length > 0) await terminal.stdout.write(help.join(''))
    }
    await terminal.stdout.flush()
    return context.exitCode
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    return reportFailure(error, name, chosenOptions(program, name)['json'] === true, terminal)
  }
}

/** The commands by name, the chosen one in full: loading the others would only take time. */
async function buildProgram(
  program: Command,
  chosen: CommandName | undefined,
  context: CommandContext,
): Promise<string[]> {
  const help: string[] = []
  program
    .description('Isolated computers for code you do not trust.')
    .version(VERSION, '-V, --version', 'show the version of this client')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeOut: (text) => void help.push(text), writeErr: () => undefined })
    .addHelpText(
      'after',
      "\nExamples:\n  isola run -- python3 -c 'print(6*7)'\n  isola run --timeout 60s --memory 512m -- npm test\n  isola create --name dev && isola exec dev -- sh",
    )
  for (const [name, { summary, load }] of Object.entries(COMMANDS)) {
    const command = program.command(name).summary(summary).description(summary)
    if (name === chosen) (await load()).configure(command, context)
  }
  return help
}

function chosenCommand(argv: readonly string[]): CommandName | undefined {
  const [first, second] = argv.filter((argument) => !argument.startsWith('-'))
  const name = first === 'help' ? second : first
  return name !== undefined && isCommandName(name) ? name : undefined
}

/** Help for a command that is not there is answered as that command would be. */
function lineToParse(argv: readonly string[], chosen: CommandName | undefined): readonly string[] {
  const [first = '--help', second] = argv
  if (first === 'help' && second !== undefined && chosen === undefined) return [second]
  return argv.length === 0 ? [first] : argv
}

function chosenOptions(program: Command, name: CommandName | undefined): Record<string, unknown> {
  return program.commands.find((command) => command.name() === name)?.opts() ?? {}
}

async function reportFailure(
  error: unknown,
  name: CommandName | undefined,
  json: boolean,
  terminal: Terminal,
): Promise<number> {
  if (error instanceof OutputClosed) return EXIT_BROKEN_PIPE
  const runs = name === 'run' || name === 'exec'
  const usage = error instanceof ArgumentError || error instanceof CommanderError
  if (!(error instanceof Interrupted)) await print(error, reportOf(error, name ?? ''), json, terminal)
  return usage && !runs ? EXIT.usage : errorExitCode(error, runs)
}

async function print(error: unknown, report: ErrorReport, json: boolean, { stdout, stderr }: Terminal): Promise<void> {
  if (process.env['ISOLA_DEBUG'] && error instanceof Error)
    await stderr.write(`${error.stack}\n`).catch(() => undefined)
  const tell = (): Promise<void> => stderr.write(formatReport(report))
  if (!json) await tell().catch(() => undefined)
  // What cannot be told where it was asked for is told where it can.
  else await stdout.write(formatJson({ error: report })).catch(tell)
  await stdout.flush().catch(() => undefined)
}
