// SPDX-License-Identifier: Apache-2.0
import { expect } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { codeOf } from '../support/failure-code.ts'
import { Transcript, untilOutput } from '../support/until-output.ts'
import { onEachDriver } from '../support/world.ts'
import { verifies } from './verifies.ts'

const SHOW_ARGUMENTS = 'import sys; print([a.encode("utf8", "surrogateescape").hex() for a in sys.argv[1:]])'
/** A parent and a child in one group; each says so when it hears SIGUSR1. The parent ends them both. */
const LISTENERS = `
import os, signal, sys
name = "parent"
signal.signal(signal.SIGUSR1, lambda *_: os.write(1, (name + "\\n").encode()))
read, write = os.pipe()
child = os.fork()
if child == 0:
    name = "child"
    os.write(write, b"x")
    while True:
        signal.pause()
os.read(read, 1)
def end(*_):
    # What the child was sent before, it has heard before this.
    os.kill(child, signal.SIGTERM)
    os.waitpid(child, 0)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("ready")
while True:
    signal.pause()
`
const hex = (text: string): string => `'${Buffer.from(text).toString('hex')}'`

onEachDriver((world) => {
  verifies(world, 'process.argv', async () => {
    const sandbox = await world.shared()
    const hostile = ['', ' ', '$HOME', '`id`', "it's", '"', 'a\nb', '--', '-n', 'ü→🦊', '*', '\\', 'x'.repeat(100_000)]
    expect(await sandbox.read(['python3', '-c', SHOW_ARGUMENTS, ...hostile])).toBe(`[${hostile.map(hex).join(', ')}]`)
  })

  verifies(world, 'process.shell', async () => {
    const sandbox = await world.shared()
    expect(await sandbox.read('for i in 1 2 3; do echo $i; done | tail -1; exit 0')).toBe('3')
    expect(await sandbox.run('echo out; echo err >&2; exit 4')).toMatchObject({
      stdout: 'out\n',
      stderr: 'err\n',
      exitCode: 4,
    })
  })

  verifies(world, 'process.env', async () => {
    await using sandbox = await world.create({ env: { A: 'sandbox', B: 'sandbox' } })
    expect(await sandbox.read('echo $A $B $C', { env: { B: 'process', C: 'ü = "x"' } })).toBe('sandbox process ü = "x"')
    expect(await codeOf(sandbox.run(['true'], { env: { 'A=B': 'x' } }))).toBe('request.invalid')
  })

  verifies(world, 'process.cwd', async () => {
    const sandbox = await world.shared()
    expect(await sandbox.read(['pwd'], { cwd: '/usr/share' })).toBe('/usr/share')
    await sandbox.read('mkdir -p inner')
    expect(await sandbox.read(['pwd'], { cwd: 'inner' })).toBe('/home/user/inner')
    expect(await codeOf(sandbox.run(['pwd'], { cwd: '/no/such/place' }))).toBe('process.cwd_not_found')
    expect(await codeOf(sandbox.run(['pwd'], { cwd: '/etc/passwd' }))).toBe('process.cwd_not_found')
  })

  verifies(world, 'process.user', async () => {
    const sandbox = await world.shared()
    expect(await sandbox.read('id -un; id -u; id -g; id -G; echo $HOME; umask')).toBe(
      'user\n1000\n1000\n1000\n/home/user\n0022',
    )
    expect(await sandbox.read(['id', '-u'], { user: 'user' })).toBe('1000')
  })

  verifies(world, 'process.user-root', async () => {
    const sandbox = await world.shared()
    expect(await sandbox.read('id -un; id -u; id -g; echo $HOME', { user: 'root' })).toBe('root\n0\n0\n/root')
  })

  verifies(world, 'process.user-other', async () => {
    const sandbox = await world.shared()
    expect(await sandbox.read('id -un', { user: 'nobody' })).toBe('nobody')
    expect(await sandbox.read('id -u; id -g', { user: '1234:2345' })).toBe('1234\n2345')
  })

  verifies(world, 'process.user-unknown', async () => {
    const sandbox = await world.shared()
    // Where there is a single id, no other user can be had, known or not.
    for (const user of ['no-such-user', '70000:70000']) {
      expect(await codeOf(sandbox.run(['id'], { user }))).toMatch(/^process\.(user_unknown|root_unavailable)$/)
    }
  })

  verifies(world, 'process.root-unavailable', async ({ skip }) => {
    if ((await world.capabilities()).userns !== 'single') skip(`${world.driver}: there is a root inside`)
    const sandbox = await world.shared()
    expect(await codeOf(sandbox.run(['id'], { user: 'root' }))).toBe('process.root_unavailable')
  })

  verifies(world, 'process.exit-code', async () => {
    const sandbox = await world.shared()
    for (const exitCode of [0, 1, 7, 124, 125, 126, 127, 128, 137, 255]) {
      expect(await sandbox.run(`exit ${exitCode}`)).toMatchObject({
        exitCode,
        signal: null,
        timedOut: false,
        oomKilled: false,
      })
    }
  })

  verifies(world, 'process.signal-death', async () => {
    const sandbox = await world.shared()
    for (const signal of ['SIGTERM', 'SIGKILL', 'SIGINT', 'SIGHUP', 'SIGUSR1', 'SIGSEGV']) {
      expect(await sandbox.run(`kill -${signal.slice(3)} $$`)).toMatchObject({
        exitCode: null,
        signal,
        oomKilled: false,
      })
    }
    // A shell that reports its child's signal has an exit code itself.
    expect(await sandbox.run(`sh -c 'kill -TERM $$'; exit $?`)).toMatchObject({ exitCode: 143, signal: null })
  })

  verifies(world, 'process.not-found', async () => {
    const sandbox = await world.shared()
    for (const program of ['no-such-program', '/no/such/program', './missing']) {
      await expect(sandbox.run([program])).rejects.toMatchObject({
        code: 'process.program_not_found',
        message: expect.stringContaining(program),
      })
    }
  })

  verifies(world, 'process.not-executable', async () => {
    const sandbox = await world.shared()
    await sandbox.files.write('plain', '#!/bin/sh\n', { mode: 0o644 })
    await sandbox.files.write('bad-interpreter', '#!/no/such/interpreter\n', { mode: 0o755 })
    expect(await codeOf(sandbox.run(['./plain']))).toBe('process.not_executable')
    expect(await codeOf(sandbox.run(['/etc']))).toBe('process.not_executable')
    expect(await codeOf(sandbox.run(['./bad-interpreter']))).toMatch(/^process\.(not_executable|program_not_found)$/)
  })

  verifies(world, 'process.script', async () => {
    const sandbox = await world.shared()
    await sandbox.files.write('no-interpreter', 'echo from the script $1\n', { mode: 0o755 })
    expect(await sandbox.read(['./no-interpreter', 'x'])).toBe('from the script x')
  })

  verifies(world, 'process.signal', async () => {
    const sandbox = await world.shared()
    for (const [target, expected] of [
      ['process', ['parent']],
      ['group', ['child', 'parent']],
    ] as const) {
      await using running = await sandbox.start(['python3', '-uc', LISTENERS])
      const transcript = new Transcript(running)
      await transcript.until('ready\n')
      await running.signal('SIGUSR1', { target })
      const first = await transcript.until('parent\n')
      if (target === 'group' && !first.includes('child\n')) await transcript.until('child\n')
      await running.signal('SIGTERM', { target: 'process' })
      const heard = (await transcript.whole()).split('\n').filter((line) => line === 'parent' || line === 'child')
      expect(heard.sort()).toEqual(expected)
    }
  })

  verifies(world, 'process.signal-any', async () => {
    const sandbox = await world.shared()
    await using running = await sandbox.start(['sleep', '1000'], { processId: 'chosen.id-1' })
    expect(running.id).toBe('chosen.id-1')
    await sandbox.sandbox.processes.signal('chosen.id-1', 'SIGTERM')
    expect(await running.wait()).toMatchObject({ signal: 'SIGTERM' })
    expect(await codeOf(sandbox.sandbox.processes.signal('chosen.id-1', 'SIGTERM'))).toBe('process.not_found')
    expect(await codeOf(sandbox.sandbox.processes.signal('x', 'SIGNONSENSE'))).toMatch(
      /^(request\.invalid|process\.not_found)$/,
    )
  })

  verifies(world, 'process.id-taken', async () => {
    const sandbox = await world.shared()
    await using running = await sandbox.start(['sleep', '1000'], { processId: 'taken' })
    expect(await codeOf(sandbox.start(['true'], { processId: 'taken' }))).toBe('process.id_taken')
    await running.kill()
  })

  verifies(world, 'process.list', async () => {
    await using sandbox = await world.create()
    await using running = await sandbox.start(['sleep', '1000'], { processId: 'listed' })
    const listed = await sandbox.sandbox.processes.list()
    expect(listed).toMatchObject([{ processId: 'listed', pid: running.pid, argv: ['sleep', '1000'], user: 'user' }])
    await running.signal('SIGKILL')
    await running.wait()
    expect(await sandbox.sandbox.processes.list()).toEqual([])
  })

  verifies(world, 'process.timeout', async () => {
    const sandbox = await world.shared()
    expect(await sandbox.run(['sleep', '1000'], { timeoutMs: 200 })).toMatchObject({
      timedOut: true,
      signal: 'SIGTERM',
      exitCode: null,
    })
    expect(
      await sandbox.run(`trap 'echo asked; exit 5' TERM; while :; do sleep 0.01; done`, {
        timeoutMs: 200,
        killGraceMs: 30_000,
      }),
    ).toMatchObject({ timedOut: true, exitCode: 5, stdout: 'asked\n' })
    expect(
      await sandbox.run(`trap '' TERM; while :; do sleep 0.01; done`, { timeoutMs: 200, killGraceMs: 100 }),
    ).toMatchObject({ timedOut: true, signal: 'SIGKILL' })
    expect(await sandbox.run(['true'], { timeoutMs: 60_000 })).toMatchObject({ timedOut: false, exitCode: 0 })
  })

  verifies(world, 'process.timeout-descendants', async () => {
    await using sandbox = await world.create()
    const result = await sandbox.run(
      `sh -c 'trap "" TERM; echo $$ > pid; while :; do sleep 0.1; done' & exec sleep 1000`,
      { timeoutMs: 500, killGraceMs: 100 },
    )
    expect(result.timedOut).toBe(true)
    const left = () => sandbox.read('kill -0 $(cat pid) 2>/dev/null && echo alive || echo gone')
    expect(await eventually(left, (state) => state === 'gone')).toBe('gone')
  })

  verifies(world, 'process.output-limit', async () => {
    const sandbox = await world.shared()
    const capped = await sandbox.run('yes', { outputLimitBytes: 100_000 })
    expect(capped).toMatchObject({ outputCapped: true, signal: 'SIGKILL' })
    expect(capped.stdout.length).toBeLessThanOrEqual(100_000)
    expect(await sandbox.run('printf 1234567890', { outputLimitBytes: 10 })).toMatchObject({
      outputCapped: false,
      exitCode: 0,
      stdout: '1234567890',
    })
  })

  verifies(world, 'process.background', async () => {
    await using sandbox = await world.create()
    const result = await sandbox.run('(while :; do echo noise; sleep 0.05; done) & echo child $!; exit 3')
    expect(result.exitCode).toBe(3)
    const child = /child (\d+)/.exec(result.stdout)?.[1]
    // The child goes on writing into a pipe that somebody still empties.
    expect(await sandbox.read(`sleep 0.3; kill -0 ${child} && echo lives`)).toBe('lives')
  })

  verifies(world, 'process.orphans', async () => {
    await using sandbox = await world.create()
    await sandbox.read('for i in $(seq 20); do (sleep 0.01 & ) ; done')
    expect(
      await sandbox.read(
        'for i in $(seq 100); do n=$(grep -l "^State:.Z" /proc/[0-9]*/status 2>/dev/null | wc -l); [ $n = 0 ] && break; sleep 0.05; done; echo $n',
      ),
    ).toBe('0')
  })

  verifies(world, 'process.capability-free', async () => {
    const sandbox = await world.shared()
    const program = `
import os
print(sorted(int(n) for n in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + n)))
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print([status[name].strip().lstrip("0") or "0" for name in ("SigBlk", "SigIgn")])
print(os.getpgrp() == os.getpid(), os.getsid(0) == os.getpid())
`
    const seen = (await sandbox.read(['python3', '-c', program])).split('\n')
    expect(seen[0]).toBe('[0, 1, 2]')
    // Python itself ignores SIGPIPE and SIGXFSZ; nothing else is ignored or blocked.
    expect(seen[1]).toBe("['0', '1001000']")
    expect(seen[2]).toBe('True True')
    await using other = await sandbox.start(['sleep', '1000'])
    await other.kill()
    expect(await untilOutput(await sandbox.start(['grep', 'SigIgn', '/proc/self/status']), '\n')).toMatch(
      /SigIgn:\t0{16}/,
    )
  })
})
