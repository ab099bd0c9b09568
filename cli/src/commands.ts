// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander'
import type { CommandContext } from './command-context.ts'

interface CommandModule {
  configure(command: Command, context: CommandContext): void
}

/** Every command, in the order of `isola --help`. */
export const COMMANDS = {
  run: { summary: 'run a command in a new sandbox, which ends with it', load: () => import('./commands/run.ts') },
  create: { summary: 'create a sandbox that stays', load: () => import('./commands/create.ts') },
  ls: { summary: 'list the sandboxes', load: () => import('./commands/ls.ts') },
  inspect: { summary: 'show all that is known of a sandbox', load: () => import('./commands/inspect.ts') },
  rm: { summary: 'remove sandboxes and all they hold', load: () => import('./commands/rm.ts') },
  exec: { summary: 'run a command in a sandbox', load: () => import('./commands/exec.ts') },
  net: { summary: 'show, change and explain what may leave a sandbox', load: () => import('./commands/net.ts') },
  cp: { summary: 'copy files between here and a sandbox', load: () => import('./commands/cp.ts') },
  serve: { summary: 'run the server in the foreground', load: () => import('./commands/serve.ts') },
  doctor: {
    summary: 'tell what this machine can isolate, why, and what would help',
    load: () => import('./commands/doctor.ts'),
  },
  version: { summary: 'show the versions of client, server and agent', load: () => import('./commands/version.ts') },
} as const satisfies Record<string, { summary: string; load: () => Promise<CommandModule> }>

export type CommandName = keyof typeof COMMANDS

export function isCommandName(name: string): name is CommandName {
  return Object.hasOwn(COMMANDS, name)
}
