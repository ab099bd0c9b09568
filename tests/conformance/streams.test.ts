// SPDX-License-Identifier: Apache-2.0
import { createHash, randomBytes } from 'node:crypto'
import { expect } from 'vitest'
import { Client } from '@isola/sdk'
import { codeOf } from '../support/failure-code.ts'
import { Transcript, untilOutput } from '../support/until-output.ts'
import { onEachDriver } from '../support/world.ts'
import { verifies } from './verifies.ts'

const FIFTY_MEGABYTES = 50 * 1024 * 1024
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const TERMINAL = { cols: 97, rows: 31 }

onEachDriver((world) => {
  verifies(world, 'stream.separate', async () => {
    const result = await (await world.shared()).run('for i in 1 2 3; do echo out$i; echo err$i >&2; done')
    expect(result).toMatchObject({ stdout: 'out1\nout2\nout3\n', stderr: 'err1\nerr2\nerr3\n' })
  })

  verifies(world, 'stream.live', async () => {
    const sandbox = await world.shared()
    await using running = await sandbox.start('echo first; read answer; echo "second $answer"', { stdin: true })
    const transcript = new Transcript(running)
    await transcript.until('first\n')
    await running.stdin.write('yes\n')
    expect(await transcript.rest()).toBe('second yes\n')
  })

  verifies(world, 'stream.binary', async () => {
    const everyByte = Uint8Array.from({ length: 256 * 64 }, (_, index) => index % 256)
    const result = await (await world.shared()).run(['cat'], { input: everyByte })
    expect(result.stdoutBytes.equals(Buffer.from(everyByte))).toBe(true)
  })

  verifies(world, 'stream.big', async () => {
    const sandbox = await world.shared()
    const result = await sandbox.run(`head -c ${FIFTY_MEGABYTES} /dev/urandom | tee /tmp/random`)
    expect(result.stdoutBytes.length).toBe(FIFTY_MEGABYTES)
    expect(await sandbox.read("sha256sum < /tmp/random | cut -d' ' -f1")).toBe(sha256(result.stdoutBytes))
  })

  verifies(world, 'stream.big-input', async () => {
    const input = randomBytes(FIFTY_MEGABYTES)
    expect(await (await world.shared()).read("sha256sum | cut -d' ' -f1", { input })).toBe(sha256(input))
  })

  verifies(world, 'stream.stdin-eof', async () => {
    const sandbox = await world.shared()
    expect(await sandbox.read(['cat'], { input: 'all of it' })).toBe('all of it')
    expect(await sandbox.read(['wc', '-c'], { input: '' })).toBe('0')
  })

  verifies(world, 'stream.stdin-closed', async () => {
    expect(await (await world.shared()).read('readlink /proc/self/fd/0; cat | wc -c')).toBe('/dev/null\n0')
  })

  verifies(world, 'stream.slow-reader', async () => {
    await using sandbox = await world.create()
    await using flood = await sandbox.start('head -c 100000000 /dev/zero; echo over >&2; exit 3')
    expect(await sandbox.read(['echo', 'others go on'])).toBe('others go on')
    expect(await sandbox.sandbox.processes.list()).toHaveLength(1)
    await flood.signal('SIGUSR1', { target: 'process' })
    let bytesRead = 0
    for await (const { stream, bytes } of flood.output()) if (stream === 'stdout') bytesRead += bytes.length
    // It was stalled, so the signal found it writing; nothing that it wrote before was lost.
    expect((await flood.wait()).signal).toBe('SIGUSR1')
    expect(bytesRead).toBeGreaterThan(0)
  })

  verifies(world, 'stream.drop-oldest', async () => {
    await using sandbox = await world.create()
    await using flood = await sandbox.start('head -c 30000000 /dev/zero; echo over > /tmp/over; echo the last words', {
      overflow: 'drop-oldest',
    })
    expect(
      await sandbox.read(
        'for i in $(seq 300); do [ -e /tmp/over ] && { echo went on; exit; }; sleep 0.1; done; echo stalled',
      ),
    ).toBe('went on')
    let text = ''
    for await (const { bytes } of flood.output()) text = (text + Buffer.from(bytes).toString('latin1')).slice(-100)
    expect(text).toContain('the last words')
  })

  verifies(world, 'stream.early-exit', async () => {
    const result = await (await world.shared()).run(['head', '-c', '3'], { input: randomBytes(8 * 1024 * 1024) })
    expect(result).toMatchObject({ exitCode: 0 })
    expect(result.stdoutBytes.length).toBe(3)
  })

  verifies(world, 'tty.is-terminal', async () => {
    const sandbox = await world.shared()
    const result = await sandbox.run('test -t 0 && test -t 1 && test -t 2 && tty && stty size && echo $TERM', {
      tty: TERMINAL,
    })
    expect(result.stdout.replaceAll('\r', '').split('\n').slice(0, 2)).toEqual([
      expect.stringMatching(/^\/dev\/pts\/\d+$/),
      '31 97',
    ])
    expect(result.exitCode).toBe(0)
  })

  verifies(world, 'tty.resize', async () => {
    const sandbox = await world.shared()
    await using running = await sandbox.start(
      "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.01; done",
      { tty: TERMINAL },
    )
    const transcript = new Transcript(running)
    await transcript.until('ready')
    await running.resize({ cols: 120, rows: 40 })
    expect(await transcript.until('40 120')).toContain('40 120')
  })

  verifies(world, 'tty.resize-none', async () => {
    const sandbox = await world.shared()
    await using running = await sandbox.start(['sleep', '1000'])
    expect(await codeOf(running.resize({ cols: 1, rows: 1 }))).toBe('process.no_tty')
    await running.kill()
  })

  verifies(world, 'tty.interrupt', async () => {
    const sandbox = await world.shared()
    // Not a shell's child: dash forgets an interrupt that comes between two of its commands.
    await using running = await sandbox.start(['cat'], { tty: TERMINAL, stdin: true })
    await running.stdin.write('there\n')
    await untilOutput(running, 'there\r\nthere')
    await running.stdin.write('\x03')
    const { exitCode, signal } = await running.wait()
    expect(signal ?? exitCode).toBeOneOf(['SIGINT', 130])
  })

  verifies(world, 'tty.eof', async () => {
    const sandbox = await world.shared()
    await using running = await sandbox.start(['cat'], { tty: TERMINAL, stdin: true })
    await running.stdin.write('typed\n\x04')
    const transcript = new Transcript(running)
    expect((await transcript.rest()).replaceAll('\r', '')).toBe('typed\ntyped\n')
    expect(await running.wait()).toMatchObject({ exitCode: 0 })
  })

  const run = (client: Client, id: string, body: object, accept: string) =>
    client.request({ method: 'POST', path: `/v1/sandboxes/${id}/run`, json: body, headers: { accept } })

  verifies(world, 'buffered.run', async () => {
    const client = new Client(world.connection)
    const { id } = await world.shared()
    const text = await (
      await run(client, id, { shell: 'cat; echo ü >&2; exit 2', stdin: 'given' }, 'application/json')
    ).json()
    expect(text).toMatchObject({ exitCode: 2, stdout: { text: 'given' }, stderr: { text: 'ü\n' } })
    const binary = await (await run(client, id, { shell: "printf '\\377\\000x'" }, 'application/json')).json()
    expect(binary).toMatchObject({ exitCode: 0, stdout: { text: '', base64: '/wB4' } })
    client.close()
  })

  verifies(world, 'buffered.events', async () => {
    const client = new Client(world.connection)
    const response = await run(
      client,
      (await world.shared()).id,
      { shell: 'echo out; echo err >&2; exit 5' },
      'application/x-ndjson',
    )
    const events = Buffer.from(await response.bytes())
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string })
    expect(events[0]).toMatchObject({ event: 'started', pid: expect.any(Number) })
    expect(events).toContainEqual({ event: 'stdout', text: 'out\n' })
    expect(events).toContainEqual({ event: 'stderr', text: 'err\n' })
    expect(events.at(-1)).toMatchObject({ event: 'exited', exitCode: 5, signal: null })
    client.close()
  })
})
