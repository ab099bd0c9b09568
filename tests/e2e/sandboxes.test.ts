// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { expect } from 'vitest'
import { onHostChecked } from '../support/on-host.ts'
import { onEachAccount } from './on-each-account.ts'

onEachAccount((visit) => {
  const isola = async (...args: string[]): Promise<string> => {
    const result = await visit.line.isola(args)
    if (result.exitCode !== 0) throw new Error(`isola ${args.join(' ')}: exit ${result.exitCode}: ${result.stderr}`)
    return result.stdout
  }

  visit.test('a sandbox is created, found, used and removed', async () => {
    const id = (await isola('create', '--name', 'lab', '--label', 'team=search', '--env', 'A=b')).trim()
    expect(id).toMatch(/^sb[a-z0-9]{18}$/)
    expect(await isola('ls')).toMatch(new RegExp(`${id}.*lab.*running.*host.*namespace`))
    expect((await isola('ls', '-q', '--label', 'team=search')).trim()).toBe(id)
    expect(JSON.parse(await isola('ls', '--json'))).toMatchObject([{ id, name: 'lab' }])
    expect(JSON.parse(await isola('inspect', '--json', 'lab'))).toMatchObject({ id, state: 'running', network: 'none' })
    expect(await isola('inspect', id)).toContain('lab')
    expect(await isola('exec', 'lab', '--', 'sh', '-c', 'echo $A; pwd; echo kept > note')).toBe('b\n/home/user\n')
    expect(await isola('exec', id, '--', 'cat', 'note')).toBe('kept\n')
    expect(await visit.line.isola(['exec', 'lab', '--', 'sh', '-c', 'exit 9'])).toMatchObject({
      exitCode: 9,
      stderr: '',
    })
    await isola('rm', 'lab')
    expect(await isola('ls', '-q')).toBe('')
  })

  visit.test('files and trees are copied in and out', async () => {
    const place = visit.line.place
    const local = place.directory.join('home', 'tree')
    mkdirSync(`${local}/inner`, { recursive: true })
    writeFileSync(`${local}/inner/binary`, Buffer.from([0, 255, 10, 13]))
    writeFileSync(`${local}/program`, '#!/bin/sh\necho ran\n', { mode: 0o755 })
    await onHostChecked(['chown', '-R', `${place.account.uid}`, local])
    await isola('create', '--name', 'copies')
    await isola('cp', local, 'copies:/home/user/tree')
    expect(await isola('exec', 'copies', '--', './tree/program')).toBe('ran\n')
    await isola('exec', 'copies', '--', 'sh', '-c', 'echo made inside > tree/new')
    await isola('cp', 'copies:tree', `${local}-back`)
    expect(readFileSync(`${local}-back/new`, 'utf8')).toBe('made inside\n')
    expect(readFileSync(`${local}-back/inner/binary`)).toEqual(Buffer.from([0, 255, 10, 13]))
    expect(await isola('cp', 'copies:tree/new', '-')).toBe('made inside\n')
    await isola('rm', 'copies')
  })

  visit.test('a sandbox is kept after run when asked for', async () => {
    await isola('run', '--keep', '--name', 'kept', '--', 'sh', '-c', 'echo x > x')
    expect(await isola('exec', 'kept', '--', 'cat', 'x')).toBe('x\n')
    await isola('rm', '--all', '--yes')
    expect(await isola('ls', '-q')).toBe('')
  })

  visit.test('every command has help with an example', async () => {
    const overview = await isola('--help')
    for (const command of ['run', 'create', 'ls', 'inspect', 'rm', 'exec', 'cp', 'serve', 'doctor', 'version']) {
      expect(overview).toContain(`  ${command}`)
      expect(await isola(command, '--help'), command).toMatch(/Examples?:\n {2}\S/)
    }
  })

  visit.test('doctor explains every verdict', async () => {
    const report = JSON.parse(await isola('doctor', '--json')) as {
      drivers: { driver: string; checks: { id: string; detail: string }[] }[]
    }
    const checks = report.drivers.find(({ driver }) => driver === 'namespace')?.checks ?? []
    for (const id of [
      'user-namespace',
      'uid-range',
      'mount-namespace',
      'proc-mount',
      'overlay',
      'idmapped-mount',
      'network-namespace',
      'seccomp',
      'cgroup-memory',
      'cgroup-cpu',
      'cgroup-pids',
      'cgroup-freeze',
      'disk-quota',
    ]) {
      const check = checks.find((each) => each.id === id)
      expect(check?.detail, id).toMatch(/\S/)
    }
    const text = await isola('doctor')
    for (const { id } of checks) expect(text).toContain(id)
  })

  visit.test('version tells client and server', async () => {
    await isola('run', '--', 'true')
    expect(await isola('version')).toMatch(/^client {2}\d+\.\d+\.\d+ .*\nserver {2}\d+\.\d+\.\d+/)
    expect(JSON.parse(await isola('version', '--json'))).toMatchObject({
      client: expect.any(String),
      server: { apiVersion: 'v1' },
    })
  })
})
