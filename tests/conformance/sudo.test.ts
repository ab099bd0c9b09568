// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs'
import { expect } from 'vitest'
import { Transcript } from '../support/until-output.ts'
import { onEachDriver } from '../support/world.ts'
import { verifies } from './verifies.ts'

const BUILD_PACKAGE = `
set -e
mkdir -p pkg/DEBIAN pkg/usr/local/bin pkg/etc/isola-test
printf 'Package: isola-test\\nVersion: 1.0\\nArchitecture: all\\nMaintainer: Nobody <nobody@example.com>\\nDescription: made by a test\\n' > pkg/DEBIAN/control
printf '#!/bin/sh\\nchown nobody /etc/isola-test/owned\\n' > pkg/DEBIAN/postinst
chmod 755 pkg/DEBIAN/postinst
printf '#!/bin/sh\\necho installed\\n' > pkg/usr/local/bin/isola-test
chmod 755 pkg/usr/local/bin/isola-test
echo x > pkg/etc/isola-test/owned
dpkg-deb --root-owner-group --build pkg made.deb
`

onEachDriver((world) => {
  verifies(world, 'sudo.id', async () => {
    const sandbox = await world.shared()
    expect(await sandbox.read('sudo id -u; sudo id -un; sudo -n id -g; sudo -- id -u')).toBe('0\nroot\n0\n0')
    expect(await sandbox.read("sudo sh -c 'echo $HOME $USER; pwd'")).toBe('/root root\n/home/user')
  })

  verifies(world, 'sudo.chown', async () => {
    const sandbox = await world.shared()
    expect(await sandbox.read('touch given; sudo chown nobody:nogroup given; stat -c %U:%G given; sudo rm given')).toBe(
      'nobody:nogroup',
    )
    expect(
      await sandbox.read(
        "echo line | sudo tee -a /etc/hosts >/dev/null; grep -c '^line$' /etc/hosts; sudo touch /usr/bin/new && ls /usr/bin/new",
      ),
    ).toBe('1\n/usr/bin/new')
  })

  verifies(world, 'sudo.status', async () => {
    const sandbox = await world.shared()
    expect(await sandbox.run("sudo sh -c 'echo out; echo err >&2; exit 9'")).toMatchObject({
      stdout: 'out\n',
      stderr: 'err\n',
      exitCode: 9,
    })
    expect(await sandbox.read(['sudo', 'cat'], { input: 'through' })).toBe('through')
    expect((await sandbox.run(['sudo', 'no-such-program'])).exitCode).toBe(1)
    await using running = await sandbox.start([
      'sudo',
      'sh',
      '-c',
      'trap "echo heard; exit 4" TERM; echo ready; while :; do sleep 0.01; done',
    ])
    const transcript = new Transcript(running)
    await transcript.until('ready')
    await running.signal('SIGTERM', { target: 'process' })
    expect(await transcript.rest()).toContain('heard')
    expect(await running.wait()).toMatchObject({ exitCode: 4 })
  })

  verifies(world, 'sudo.tty', async () => {
    const sandbox = await world.shared()
    await using running = await sandbox.start(
      ['sudo', 'sh', '-c', 'tty >/dev/null && stty size && id -u && read line && echo "got $line"'],
      { tty: { cols: 91, rows: 23 }, stdin: true },
    )
    const transcript = new Transcript(running)
    expect((await transcript.until('0\r\n')).replaceAll('\r', '')).toContain('23 91')
    await running.stdin.write('typed\n')
    expect(await transcript.until('got typed')).toContain('got typed')
    expect(await running.wait()).toMatchObject({ exitCode: 0 })
  })

  verifies(world, 'sudo.user', async () => {
    const sandbox = await world.shared()
    expect(await sandbox.read("sudo -u nobody id -un; sudo A=b sh -c 'echo $A'; C=d sudo -E sh -c 'echo $C'")).toBe(
      'nobody\nb\nd',
    )
    expect((await sandbox.run('sudo -u no-such-user id')).exitCode).toBe(1)
    expect((await sandbox.run('sudo -V')).stdout + (await sandbox.run('sudo -h')).stdout).toMatch(/isola/i)
  })

  verifies(world, 'sudo.dpkg', async ({ skip }) => {
    if (!existsSync('/usr/bin/dpkg-deb')) skip('this host has no dpkg')
    await using sandbox = await world.create()
    await sandbox.read(BUILD_PACKAGE)
    const installed = await sandbox.run('sudo dpkg -i made.deb')
    expect(installed, installed.stderr).toMatchObject({ exitCode: 0 })
    expect(await sandbox.read('isola-test; dpkg -s isola-test | grep ^Status; stat -c %U /etc/isola-test/owned')).toBe(
      'installed\nStatus: install ok installed\nnobody',
    )
    expect(await sandbox.run('sudo dpkg -r isola-test && ! command -v isola-test')).toMatchObject({ exitCode: 0 })
    expect(existsSync('/usr/local/bin/isola-test')).toBe(false)
  })

  verifies(world, 'sudo.refused', async ({ skip }) => {
    if ((await world.capabilities()).userns !== 'single') skip(`${world.driver}: there is a root inside`)
    const refused = await (await world.shared()).run(['sudo', 'id'])
    expect(refused).toMatchObject({ exitCode: 1, stdout: '' })
    expect(refused.stderr.trim().split('\n')).toHaveLength(1)
    expect(refused.stderr).toMatch(/root is not available/)
  })
})
