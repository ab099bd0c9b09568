// SPDX-License-Identifier: Apache-2.0
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ExitFact } from '../src/launcher-link.ts'
import { Launcher } from '../src/launcher.host.ts'

export interface LauncherFixture extends AsyncDisposable {
  readonly launcher: Launcher
  readonly state: string
  readonly exits: ExitFact[]
  readonly journal: string[]
  /** Pids of all launchers that were started. */
  starts(): number[]
  another(): Launcher
}

/** A state directory of its own and a fake launcher as the program to start. */
export function launcherFixture(mode = ''): LauncherFixture {
  const state = mkdtempSync(path.join(tmpdir(), 'isola-launcher-'))
  const program = writeProgram(state, mode)
  const exits: ExitFact[] = []
  const journal: string[] = []
  const opened: Launcher[] = []
  const open = (): Launcher => {
    const launcher = new Launcher({
      stateDirectory: path.join(state, 'run'),
      findBinaries: () => ({ agent: '/nonexistent', launcher: program }),
      journal: { info: (message) => journal.push(message), warn: (message) => journal.push(message) },
      onExit: (fact) => exits.push(fact),
    })
    opened.push(launcher)
    return launcher
  }
  const starts = (): number[] => readLines(path.join(state, 'run/starts')).map(Number)
  mkdirSync(path.join(state, 'run'), { mode: 0o700 })
  return {
    launcher: open(),
    state: path.join(state, 'run'),
    exits,
    journal,
    starts,
    another: open,
    async [Symbol.asyncDispose]() {
      for (const launcher of opened) await launcher.close()
      for (const pid of starts()) endProcess(pid)
      rmSync(state, { recursive: true, force: true })
    },
  }
}

/** Runs the fake under this very Node, whatever the PATH says. */
function writeProgram(directory: string, mode: string): string {
  const program = path.join(directory, 'isola-launcher')
  const fake = fileURLToPath(import.meta.resolve('./fake-launcher.ts'))
  const line = `FAKE_LAUNCHER=${mode} exec '${process.execPath}' --conditions=@isola/source '${fake}' "$@"`
  writeFileSync(program, `#!/bin/sh\n${line}\n`)
  chmodSync(program, 0o755)
  return program
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended already.
  }
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').trim().split('\n')
  } catch {
    return []
  }
}
