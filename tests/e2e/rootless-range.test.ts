// SPDX-License-Identifier: Apache-2.0
// An ordinary user with a range of subordinate ids has a root inside, and everything that needs one.
import { existsSync, readdirSync, statSync } from 'node:fs'
import { Client } from '@isola/sdk'
import { afterAll, test as base, beforeAll, describe, expect } from 'vitest'
import { endPlace } from '../support/end-place.ts'
import { eventually } from '../support/eventually.ts'
import { codeOf } from '../support/failure-code.ts'
import { IsolaServer, Place } from '../support/isola-server.ts'
import { launcherPid } from '../support/launcher.ts'
import { RangeAccount, rangeObstacle } from '../support/range-account.ts'
import { Subject } from '../support/subject.ts'

/** Installs below directories that only the host's packages have made. */
const BUILD_PACKAGE = `
set -e
mkdir -p pkg/DEBIAN pkg/usr/bin pkg/usr/share/doc/isola-test pkg/usr/local/lib/isola-test
printf 'Package: isola-test\\nVersion: 1.0\\nArchitecture: all\\nMaintainer: Nobody <nobody@example.com>\\nDescription: made by a test\\n' > pkg/DEBIAN/control
printf '#!/bin/sh\\necho installed\\n' > pkg/usr/bin/isola-test
chmod 755 pkg/usr/bin/isola-test
echo x > pkg/usr/share/doc/isola-test/copyright
echo x > pkg/usr/local/lib/isola-test/part
dpkg-deb --root-owner-group --build pkg made.deb
`

const obstacle = rangeObstacle()

describe('an ordinary user with subordinate ids', () => {
  let account: RangeAccount
  let place: Place
  let server: IsolaServer

  beforeAll(async () => {
    if (obstacle !== undefined) return
    account = new RangeAccount()
    place = new Place(account)
    server = await IsolaServer.start(place)
  })
  afterAll(async () => {
    if (obstacle !== undefined) return
    expect(await server.stop()).toBe(0)
    expect(await endPlace(place)).toEqual([])
    account[Symbol.dispose]()
  })

  const test = (name: string, body: () => Promise<void>) =>
    base(name, async ({ skip }) => {
      if (obstacle !== undefined) skip(obstacle)
      await body()
    })
  const create = () => Subject.create({ url: `unix:${server.socketPath}` }, {})
  const layer = (id: string) => place.directory.join('s/namespace/sandboxes', id, 'layer')
  const trash = () => readdirSync(place.directory.join('s/namespace/trash'))

  async function restart(): Promise<void> {
    await server.signal('SIGKILL')
    const launcher = launcherPid(place.stateDirectory)
    if (launcher !== undefined) process.kill(launcher, 'SIGKILL')
    server = await IsolaServer.start(place)
  }

  test('is told so by doctor and by the sandbox', async () => {
    const client = new Client({ url: `unix:${server.socketPath}` })
    const [report] = (await client.doctor()).drivers
    client.close()
    expect(report?.isolation).toMatch(/^namespace \(rootless, .*users range, layer copy\)$/)
    expect(report?.checks.find(({ id }) => id === 'uid-range')).toMatchObject({ ok: true })
    await using sandbox = await create()
    expect(sandbox.sandbox.info.run).toMatchObject({ users: 'range' })
  })

  test('is `user` inside, and root with sudo', async () => {
    await using sandbox = await create()
    expect(await sandbox.read('id -u; sudo id -u; touch f; sudo chown root f; stat -c %U f')).toBe('1000\n0\nroot')
    // What `user` makes has a subordinate id on the host, never that of the account itself.
    await sandbox.read('touch mine')
    expect(statSync(`${layer(sandbox.id)}/root/home/user/mine`)).toMatchObject({
      uid: account.idOnHost(1000),
      gid: account.idOnHost(1000),
    })
  })

  test('has a home that is all `user`’s, while root’s own stays closed', async () => {
    await using sandbox = await create()
    expect(await sandbox.read("find ~ ! -user user; stat -c '%a %U' ~; ls ~/.profile && echo x >> ~/.profile")).toBe(
      '755 user\n/home/user/.profile',
    )
    expect(await sandbox.read("stat -c '%a %U' /root /etc/shadow")).toBe('700 root\n600 root')
    expect(await sandbox.run('ls /root || cat /etc/shadow')).toMatchObject({ exitCode: 1, stdout: '' })
    expect(await sandbox.read('sudo head -c 4 /etc/shadow; sudo ls /root')).toBe('root')
  })

  test('can install a package anywhere below /usr', async () => {
    await using sandbox = await create()
    if ((await sandbox.run('command -v dpkg-deb')).exitCode !== 0) return
    await sandbox.read(BUILD_PACKAGE)
    const installed = await sandbox.run('sudo dpkg -i made.deb')
    expect(installed, installed.stderr).toMatchObject({ exitCode: 0 })
    expect(await sandbox.read('isola-test; cat /usr/share/doc/isola-test/copyright')).toBe('installed\nx')
    expect(await sandbox.run('sudo dpkg -r isola-test && test ! -e /usr/bin/isola-test')).toMatchObject({ exitCode: 0 })
    expect(await sandbox.run('touch /usr/share/doc/x')).toMatchObject({ exitCode: 1 })
    expect(existsSync('/usr/bin/isola-test')).toBe(false)
  })

  test('reads and writes files as user and as root', async () => {
    await using sandbox = await create()
    await sandbox.files.write('mine', 'a')
    await sandbox.files.write('/root/its', 'b', { user: 'root' })
    expect(await sandbox.read('stat -c %U mine; sudo stat -c %U /root/its')).toBe('user\nroot')
    expect(Buffer.from(await sandbox.files.read('/root/its', { user: 'root' })).toString()).toBe('b')
    expect(await codeOf(sandbox.files.read('/root/its'))).toBe('file.permission_denied')
  })

  test('gets rid of files of every id, also with a launcher that did not make them', async () => {
    const sandbox = await create()
    await sandbox.read('mkdir -p d/e; touch d/e/f; sudo chown -R 33:33 d; sudo chmod 700 d')
    await restart()
    await sandbox[Symbol.asyncDispose]()
    expect(existsSync(layer(sandbox.id))).toBe(false)
    expect(await eventually(trash, (names) => names.length === 0)).toEqual([])
  })

  test('may lose the range and get it back', async () => {
    const sandbox = await create()
    await sandbox.read('mkdir d; touch d/f; sudo chown -R 33:33 d')
    account.takeRangeAway()
    await restart()
    {
      await using single = await create()
      expect(single.sandbox.info.run).toMatchObject({ users: 'single' })
      expect(await single.read('stat -c %U ~; test -w ~/.profile; test -w ~ && ls /root || echo closed')).toBe(
        'user\nclosed',
      )
    }
    await sandbox[Symbol.asyncDispose]()
    expect(existsSync(layer(sandbox.id))).toBe(false)
    account.giveRange()
    await server.stop()
    server = await IsolaServer.start(place)
    await using again = await create()
    expect(await again.read('sudo id -u')).toBe('0')
    expect(await eventually(trash, (names) => names.length === 0)).toEqual([])
  })
})
