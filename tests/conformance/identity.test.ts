// SPDX-License-Identifier: Apache-2.0
import { hostname } from 'node:os'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { expect } from 'vitest'
import { isRoot } from '../support/account.ts'
import { onEachDriver } from '../support/world.ts'
import { verifies } from './verifies.ts'

/** Nobody else sleeps for so many seconds. */
const MARK = `86400.${process.pid}`
const NAMESPACES = ['mnt', 'pid', 'net', 'ipc', 'uts', 'user', 'cgroup']

onEachDriver((world) => {
  verifies(world, 'identity.hostname', async () => {
    const first = await world.shared()
    await using second = await world.create()
    const names = await Promise.all([first, second].map((sandbox) => sandbox.read(['uname', '-n'])))
    expect(new Set([...names, hostname()]).size).toBe(3)
    expect(await first.read('getent hosts "$(uname -n)"')).toMatch(/127\.|::1/)
  })

  verifies(world, 'identity.machine-id', async () => {
    const first = await world.shared()
    await using second = await world.create()
    const ids = await Promise.all([first, second].map((sandbox) => sandbox.read('cat /etc/machine-id')))
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/)
    expect(ids[0]).not.toBe(ids[1])
    try {
      expect(ids).not.toContain(readFileSync('/etc/machine-id', 'utf8').trim())
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  })

  verifies(world, 'identity.users', async () => {
    const sandbox = await world.shared()
    await sandbox.read('touch own')
    expect(await sandbox.read(`stat -c '%u:%g %U' ~ own`)).toBe('1000:1000 user\n1000:1000 user')
    // Without root the owners of the host's files cannot be mapped; those of the skeleton are made to fit.
    if ((await world.capabilities()).idmap)
      expect(await sandbox.read(`stat -c '%u:%g' / /etc/passwd /usr /usr/bin/env /root`)).toBe(
        Array(5).fill('0:0').join('\n'),
      )
    expect(await sandbox.read('getent passwd user')).toMatch(/^user:x:1000:1000:.*:\/home\/user:\/bin\/(ba)?sh$/)
  })

  verifies(world, 'identity.map', async () => {
    const sandbox = await world.shared()
    const map = await sandbox.read('cat /proc/self/uid_map')
    await using other = await world.create()
    const { userns, rootless } = await world.capabilities()
    if (userns === 'single') {
      // The one id is that of the account, which is 0 only in the namespace around the sandbox.
      expect(map.trim().split(/\s+/)).toEqual(['1000', expect.any(String), '1'])
    } else {
      const counts = map.split('\n').map((line) => Number(line.trim().split(/\s+/)[2]))
      expect(counts.reduce((total, count) => total + count, 0)).toBeLessThanOrEqual(65_536)
    }
    // All sandboxes of an ordinary user share the range of that user; root gives each one of its own.
    if (!rootless) expect(await other.read('cat /proc/self/uid_map')).not.toBe(map)
    // As the host sees it, which only root can: no process inside is root's there.
    if (!isRoot) return
    await using running = await sandbox.start(['sleep', MARK])
    const owners = ownersOnHost(`sleep\0${MARK}\0`)
    expect(owners.length).toBeGreaterThan(0)
    expect(owners).not.toContain(0)
    await running.kill()
  })

  verifies(world, 'identity.pid-1', async () => {
    const sandbox = await world.shared()
    // Started by the agent, and seeing only what is its own.
    expect(await sandbox.read('echo $PPID')).toBe('1')
    expect(Number(await sandbox.read('ls /proc | grep -c "^[0-9]"'))).toBeLessThan(15)
  })

  verifies(world, 'identity.layout', async () => {
    const sandbox = await world.shared()
    expect(await sandbox.read(`stat -c '%n %A' /tmp /var/tmp /home/user /dev/shm`)).toBe(
      '/tmp drwxrwxrwt\n/var/tmp drwxrwxrwt\n/home/user drwxr-xr-x\n/dev/shm drwxrwxrwt',
    )
    expect(await sandbox.read('for link in bin sbin lib; do readlink /$link; done')).toBe('usr/bin\nusr/sbin\nusr/lib')
    expect(await sandbox.run('test -w /tmp && test -w ~')).toMatchObject({ exitCode: 0 })
    if ((await world.capabilities()).userns === 'range') {
      expect(await sandbox.read('for place in / /usr /etc /root; do test -w $place && echo $place; done; true')).toBe(
        '',
      )
    }
    expect(
      await sandbox.run('echo x > /dev/null && head -c 4 /dev/urandom | wc -c && ls /proc/self/fd /dev/fd /dev/stdin'),
    ).toMatchObject({ exitCode: 0 })
  })

  verifies(world, 'identity.isolated-boot', async () => {
    const first = await world.shared()
    await using second = await world.create()
    const read = (sandbox: typeof first) =>
      sandbox.read(NAMESPACES.map((kind) => `readlink /proc/self/ns/${kind}`).join('; '))
    const all = (await Promise.all([read(first), read(second)])).flatMap((text) => text.split('\n'))
    const host = NAMESPACES.map((kind) => readlinkSync(`/proc/self/ns/${kind}`))
    expect(new Set([...all, ...host]).size).toBe(3 * NAMESPACES.length)
  })
})

/** The users that processes with this command line run as, in the eyes of the host. */
function ownersOnHost(commandLine: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => readOr(`/proc/${pid}/cmdline`) === commandLine)
    .map((pid) => Number(/^Uid:\t(\d+)/m.exec(readOr(`/proc/${pid}/status`))?.[1]))
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
