// SPDX-License-Identifier: Apache-2.0
import { expect } from 'vitest'
import { processes } from '../support/inventory/processes.ts'
import { onHost } from '../support/on-host.ts'
import { onEachAccount } from './on-each-account.ts'

/** Says what it got, and ends in its own way only when it has a way: `SIGNAL` is replaced by the name. */
const TIDY = `
import signal, subprocess, sys, time
child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
def tidy(number, frame):
    print("got", signal.Signals(number).name, flush=True)
    sys.exit(42)
signal.signal(signal.SIGNAL, tidy)
print("ready", flush=True)
while True: time.sleep(1000)
`
const PLAIN =
  'import subprocess, time; subprocess.Popen(["sleep", "1000"]); print("ready", flush=True); time.sleep(1000)'
const STUBBORN = `
import signal, time
signal.signal(signal.SIGTERM, lambda *_: print("no", flush=True))
print("ready", flush=True)
while True: time.sleep(1000)
`
/** Closes the terminal of a program under it, as a window that is closed does; prints how the program ended. */
const CLOSE_TERMINAL = `
import json, os, pty, sys
pid, master = pty.fork()
argv = json.loads(sys.argv[1])
if pid == 0: os.execvp(argv[0], argv)
seen = b""
while b"ready" not in seen: seen += os.read(master, 4096)
os.close(master)
_, status = os.waitpid(pid, 0)
print(os.waitstatus_to_exitcode(status))
`

onEachAccount((visit) => {
  /** Runs it and sends signals, one after each line that begins with one of `after`. */
  const signalled = async (args: readonly string[], signals: readonly [after: string, signal: NodeJS.Signals][]) => {
    let pid = 0
    const left = [...signals]
    return visit.line.isola(args, {
      onStart: (started: number) => {
        pid = started
      },
      onOutput: (soFar: string) => {
        const [next] = left
        if (next === undefined || !soFar.includes(next[0])) return
        left.shift()
        // Not at once: that would be taken for the same signal.
        setTimeout(() => process.kill(pid, next[1]), 100)
      },
    })
  }
  const nothingIsLeft = async () => {
    expect(await visit.line.isola(['ls', '-q'])).toMatchObject({ stdout: '', exitCode: 0 })
    expect(processes(visit.line.place.trace).filter((found) => /sleep|python3/.test(found))).toEqual([])
  }

  for (const [signal, number] of [
    ['SIGTERM', 15],
    ['SIGHUP', 1],
    ['SIGINT', 2],
    ['SIGQUIT', 3],
    ['SIGUSR1', 10],
    ['SIGUSR2', 12],
  ] as const) {
    visit.test(`${signal} reaches the command, whose end is ours, and nothing is left`, async () => {
      const tidy = ['run', '--', 'python3', '-c', TIDY.replace('SIGNAL', signal)]
      expect(await signalled(tidy, [['ready', signal]])).toMatchObject({
        stdout: `ready\ngot ${signal}\n`,
        stderr: '',
        exitCode: 42,
      })
      const plain = await signalled(['run', '--', 'python3', '-c', PLAIN], [['ready', signal]])
      // Python itself turns an interrupt into an exception before it ends by it.
      expect(plain).toMatchObject({ stdout: 'ready\n', exitCode: 128 + number })
      await nothingIsLeft()
    })
  }

  visit.test('the second SIGTERM ends a command that does not want to', async () => {
    const result = await signalled(
      ['run', '--', 'python3', '-c', STUBBORN],
      [
        ['ready', 'SIGTERM'],
        ['no', 'SIGTERM'],
      ],
    )
    expect(result).toMatchObject({ stdout: 'ready\nno\n', exitCode: 143 })
    await nothingIsLeft()
  })

  visit.test('`timeout` ends a command as it would end one of the host', async () => {
    const isola = await visit.line.argv(['run', '--', 'python3', '-c', TIDY.replace('SIGNAL', 'SIGTERM')])
    const result = await onHost(['timeout', '--preserve-status', '5', ...isola], { env: visit.line.place.env })
    expect(result).toMatchObject({ stdout: 'ready\ngot SIGTERM\n', exitCode: 42 })
    await nothingIsLeft()
  })

  visit.test('a command in a sandbox that stays is signalled, and the sandbox stays', async () => {
    const id = (await visit.line.isola(['create'])).stdout.trim()
    const tidy = ['exec', id, '--', 'python3', '-c', TIDY.replace('SIGNAL', 'SIGTERM')]
    expect(await signalled(tidy, [['ready', 'SIGTERM']])).toMatchObject({
      stdout: 'ready\ngot SIGTERM\n',
      exitCode: 42,
    })
    expect(await visit.line.isola(['ls', '-q'])).toMatchObject({ stdout: `${id}\n` })
    expect(await visit.line.isola(['exec', id, '--', 'pgrep', 'python3'])).toMatchObject({ stdout: '', exitCode: 1 })
    expect(await visit.line.isola(['rm', id])).toMatchObject({ exitCode: 0 })
  })

  visit.test('a terminal that is closed ends everything', async () => {
    const isola = await visit.line.argv(['run', '--', 'python3', '-c', STUBBORN])
    const result = await onHost(['/usr/bin/python3', '-c', CLOSE_TERMINAL, JSON.stringify(isola)], {
      env: { ...visit.line.place.env, TERM: 'xterm' },
    })
    expect(result).toMatchObject({ stdout: '129\n', exitCode: 0 })
    await nothingIsLeft()
  })
})
