// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { onHost } from '../support/on-host.ts'
import { onEachAccount } from './on-each-account.ts'

const IN_TERMINAL = readFileSync(new URL('in-terminal.py', import.meta.url), 'utf8')

onEachAccount((visit) => {
  /** Runs the command line in a terminal of 100 by 30; each step waits for a text, then types. */
  const inTerminal = async (args: readonly string[], steps: readonly [waitFor: string, type: string][]) => {
    const script = JSON.stringify({ argv: await visit.line.argv(args), steps })
    const result = await onHost(['/usr/bin/python3', '-c', IN_TERMINAL], {
      input: script,
      env: { ...visit.line.place.env, TERM: 'xterm' },
    })
    return { ...result, stdout: result.stdout.replaceAll('\r', '') }
  }

  visit.test('a command in a terminal gets a terminal of the same size', async () => {
    // With a server that runs there is nothing to be patient for, so the terminal shows the command's output alone.
    expect((await visit.line.isola(['run', '--', 'true'])).exitCode).toBe(0)
    const result = await inTerminal(['run', '--', 'sh', '-c', 'test -t 0 && stty size && echo $TERM'], [])
    expect(result).toMatchObject({ stdout: '30 100\nxterm\n', exitCode: 0 })
  })

  visit.test('Ctrl-C in a terminal ends everything at once with 130', async () => {
    // Not a shell: dash forgets an interrupt that comes between two of its commands.
    const program =
      'import subprocess, time; subprocess.Popen(["sleep", "1000"]); print("ready", flush=True); time.sleep(1000)'
    const result = await inTerminal(['run', '--', 'python3', '-c', program], [['ready', '\x03']])
    expect(result.exitCode).toBe(130)
    expect(await visit.line.isola(['ls', '-q'])).toMatchObject({ stdout: '' })
  })

  visit.test('a shell is used interactively', async () => {
    const result = await inTerminal(
      ['run', '--', 'sh'],
      [
        ['$ ', 'echo $((6*7))\n'],
        ['42\n', 'exit 5\n'],
      ],
    )
    expect(result.stdout).toContain('42\n')
    expect(result.exitCode).toBe(5)
  })

  visit.test('the terminal is as it was before, also after a command that left it raw', async () => {
    const result = await inTerminal(['run', '--', 'sh', '-c', 'stty raw -echo; echo over'], [])
    expect(result.exitCode).toBe(0)
    expect(result.stderr).toContain('terminal unchanged')
  })

  visit.test('sudo asks nothing and works in a terminal', async ({ skip }) => {
    await visit.world.requireRootInside(skip)
    const result = await inTerminal(
      ['run', '--', 'sudo', 'sh', '-c', 'id -u; stty size; read line; echo "got $line"'],
      [['30 100', 'typed\n']],
    )
    expect(result.stdout).toContain('0\n30 100\n')
    expect(result.stdout).toContain('got typed')
  })
})
