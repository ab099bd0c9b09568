// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { expect } from 'vitest'
import { inventory } from '../support/leak-check.ts'
import { expectFailure } from '../support/command-line.ts'
import { onHost } from '../support/on-host.ts'
import { onEachAccount } from './on-each-account.ts'

const FIFTY_MEGABYTES = 50 * 1024 * 1024

onEachAccount((visit) => {
  const run = (args: readonly string[], options = {}) => visit.line.isola(['run', ...args], options)

  visit.test('python3 prints 42, with no server running before', async () => {
    expect(await run(['--', 'python3', '-c', 'print(6*7)'])).toMatchObject({ stdout: '42\n', stderr: '', exitCode: 0 })
  })

  visit.test('node prints 42', async ({ skip }) => {
    if ((await onHost(['sh', '-c', `PATH=${visit.line.place.env['PATH']} command -v node`])).exitCode !== 0)
      skip('node is not on the PATH')
    expect(await run(['--', 'node', '-e', 'console.log(6*7)'])).toMatchObject({
      stdout: '42\n',
      stderr: '',
      exitCode: 0,
    })
  })

  visit.test('input is passed on', async () => {
    expect(await run(['--', 'cat'], { input: 'hi\n' })).toMatchObject({ stdout: 'hi\n', exitCode: 0 })
  })

  visit.test('the exit code is that of the command', async () => {
    for (const exitCode of [0, 1, 7, 255])
      expect(await run(['--', 'sh', '-c', `exit ${exitCode}`])).toMatchObject({ exitCode, stderr: '' })
  })

  visit.test('a signal is 128 + n', async () => {
    expect(await run(['--', 'sh', '-c', 'kill -TERM $$'])).toMatchObject({ exitCode: 143 })
    expect(await run(['--', 'sh', '-c', 'kill -KILL $$'])).toMatchObject({ exitCode: 137 })
  })

  visit.test('a command that takes too long is ended, says so, and gives 124', async () => {
    const result = await run(['--timeout', '1s', '--', 'sleep', '60'])
    expect(result).toMatchObject({ exitCode: 124, stdout: '' })
    expect(result.stderr).toMatch(/^isola: timed out after 1 ?s/)
  })

  visit.test('a command that takes too much memory says out of memory, and gives 137', async ({ skip }) => {
    await visit.world.requireLimit('memory', skip)
    const result = await run(['--memory', '64m', '--', 'python3', '-c', 'x=bytearray(10**9)'])
    expect(result).toMatchObject({ exitCode: 137, stdout: '' })
    expect(result.stderr).toMatch(/^isola: out of memory: .*64 MiB/)
  })

  visit.test('a memory limit that cannot be enforced is refused with the reason', async ({ skip }) => {
    if ((await visit.world.capabilities()).limits.memory !== 'none') skip('memory limits can be enforced here')
    expectFailure(await run(['--memory', '64m', '--', 'true']), 125, /memory/)
  })

  visit.test('a program that does not exist gives 127, one that cannot be executed 126', async () => {
    expectFailure(await run(['--', 'no-such-program']), 127, /no-such-program/)
    expectFailure(await run(['--', '/etc/passwd']), 126, /\/etc\/passwd/)
  })

  visit.test('fifty megabytes of random bytes come out exactly', async () => {
    const result = await run([
      '--',
      'sh',
      '-c',
      `head -c ${FIFTY_MEGABYTES} /dev/urandom | tee /tmp/x; sha256sum < /tmp/x >&2`,
    ])
    expect(result.stdoutBytes.length).toBe(FIFTY_MEGABYTES)
    expect(result.stderr.split(' ')[0]).toBe(createHash('sha256').update(result.stdoutBytes).digest('hex'))
  })

  visit.test('stdout and stderr stay apart, and output comes as it is written', async () => {
    let sawFirst = false
    const result = await run(['--', 'sh', '-c', 'echo first; read x; echo "$x" >&2'], {
      input: 'second\n',
      onOutput: (soFar: string) => {
        sawFirst ||= soFar === 'first\n'
      },
    })
    expect(result).toMatchObject({ stdout: 'first\n', stderr: 'second\n', exitCode: 0 })
    expect(sawFirst).toBe(true)
  })

  visit.test('an interrupt ends everything at once with 130', async () => {
    let pid = 0
    let isSent = false
    // Not a shell: dash forgets an interrupt that comes between two of its commands.
    const program =
      'import subprocess, time; subprocess.Popen(["sleep", "1000"]); print("ready", flush=True); time.sleep(1000)'
    const result = await run(['--', 'python3', '-c', program], {
      onStart: (started: number) => {
        pid = started
      },
      onOutput: (soFar: string) => {
        if (!soFar.includes('ready') || isSent) return
        isSent = true
        process.kill(pid, 'SIGINT')
      },
    })
    expect(result).toMatchObject({ exitCode: 130, stdout: 'ready\n' })
    expect(await visit.line.isola(['ls', '-q'])).toMatchObject({ stdout: '', exitCode: 0 })
  })

  visit.test('a client that is killed takes its sandbox with it', async () => {
    let pid = 0
    let isSent = false
    const result = await run(['--', 'sh', '-c', 'echo ready; sleep 1000'], {
      onStart: (started: number) => {
        pid = started
      },
      onOutput: (soFar: string) => {
        if (!soFar.includes('ready') || isSent) return
        isSent = true
        process.kill(pid, 'SIGKILL')
      },
    })
    expect(result.signal).toBe('SIGKILL')
    // The next command is told of no sandbox once the server has seen the end of the connection.
    const list = await visit.line.isola(['run', '--', 'true']).then(() => visit.line.isola(['ls', '-q']))
    expect(list.stdout).toBe('')
  })

  visit.test('root inside works: sudo id, sudo chown', async ({ skip }) => {
    await visit.world.requireRootInside(skip)
    expect(await run(['--', 'sudo', 'id', '-u'])).toMatchObject({ stdout: '0\n', exitCode: 0 })
    expect(await run(['--', 'sh', '-c', 'touch x && sudo chown nobody x && stat -c %U x'])).toMatchObject({
      stdout: 'nobody\n',
      exitCode: 0,
    })
  })

  visit.test('secrets and the network are out of reach', async () => {
    for (const [command, reason] of [
      ['cat /etc/shadow', /Permission denied|No such file/],
      ['ls /root', /Permission denied/],
      ['python3 -c "import socket; socket.create_connection((\'1.1.1.1\', 80), 5)"', /unreachable/],
    ] as const) {
      const result = await run(['--', 'sh', '-c', command])
      expect(result.exitCode, command).not.toBe(0)
      expect(result.stdout).toBe('')
      expect(result.stderr).toMatch(reason)
    }
  })

  visit.test('JSON tells all of it', async () => {
    const result = await run(['--json', '--', 'sh', '-c', 'echo out; echo err >&2; exit 3'])
    expect(JSON.parse(result.stdout)).toMatchObject({ exitCode: 3, signal: null, timedOut: false, oomKilled: false })
    expect(result.stdout).toContain('out\\n')
    expect(result).toMatchObject({ exitCode: 3, stderr: '' })
  })

  visit.test('the first line of --verbose names the isolation that was really given', async () => {
    const result = await run(['--verbose', '--', 'true'])
    expect(result.stderr.split('\n')[0]).toMatch(/^isola: namespace \(/)
  })

  visit.test('files are copied in', async () => {
    const result = await run(['--copy', '/etc/hostname:/home/user/name', '--', 'cat', 'name'])
    expect(result).toMatchObject({ exitCode: 0, stderr: '' })
    expect(result.stdout).toMatch(/\S/)
  })

  visit.test('nothing is left behind by any of it', async () => {
    expect(await visit.line.isola(['ls', '-q'])).toMatchObject({ stdout: '', stderr: '', exitCode: 0 })
    expect(readdirSync(visit.line.place.directory.join('tmp'))).toEqual([])
    const idle = inventory(visit.line.place.trace).filter((found) => /^process .*(sleep|python3|sh -c)/.test(found))
    expect(idle).toEqual([])
  })
})
