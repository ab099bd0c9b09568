// SPDX-License-Identifier: Apache-2.0
import { describe, expect } from 'vitest'
import { codeOf } from '../support/failure-code.ts'
import { onEachDriver } from '../support/world.ts'
import { attack } from './attacker.ts'

const users = ['user', 'root'] as const

describe('files API', () => {
  onEachDriver((world) => {
    attack(world, 'reading what the user may not read', { as: ['user'] }, async ({ sandbox }) => {
      for (const path of [
        '/etc/shadow',
        '/root/x',
        '/proc/1/environ',
        '/proc/1/mem',
        '/proc/1/root/etc/shadow',
        '/proc/1/fd/3',
      ]) {
        expect(await codeOf(sandbox.files.read(path)), path).toMatch(
          /^file\.(permission_denied|not_found|not_regular|io)$/,
        )
      }
      expect(await codeOf(sandbox.files.read('/etc/passwd'))).toBe('ok')
    })

    attack(world, 'a symlink that leads to what the user may not read', { as: ['user'] }, async ({ sandbox }) => {
      await sandbox.read('ln -sf /etc/shadow link; ln -sfn /root folder; ln -sf /etc/passwd allowed')
      expect(await codeOf(sandbox.files.read('link'))).toMatch(/^file\.(permission_denied|not_found)$/)
      expect(await codeOf(sandbox.files.write('link', 'x'))).toMatch(/^(ok|file\.permission_denied)$/)
      // Writing replaces the link by a file of the user; what it led to is as it was.
      expect(await sandbox.read('test ! -w /etc/shadow && echo closed')).toBe('closed')
      expect(await codeOf(sandbox.files.write('folder/x', 'x'))).toMatch(/^file\.(permission_denied|not_found)$/)
      expect(await codeOf(sandbox.files.list('folder'))).toMatch(/^file\.(permission_denied|not_found|not_directory)$/)
      expect(await codeOf(sandbox.files.read('allowed'))).toBe('ok')
    })

    attack(world, 'devices, fifos and sockets that would keep the agent waiting', {}, async ({ sandbox, user }) => {
      await sandbox.read(
        'rm -f fifo unix; mkfifo fifo; python3 -c "import socket; socket.socket(socket.AF_UNIX).bind(\'unix\')"',
      )
      for (const path of [
        '/dev/zero',
        '/dev/random',
        '/dev/tty',
        '/dev/full',
        'fifo',
        'unix',
        '/proc/self/fd/0',
        '/proc/self/mem',
        '/dev/stdin',
      ]) {
        expect(await codeOf(sandbox.files.read(path, { user, length: 16 })), `read ${path}`).toMatch(
          /^file\.(not_regular|permission_denied|not_found|io)$/,
        )
      }
      for (const path of ['/dev/null', '/dev/full', '/proc/self/mem', '/proc/sysrq-trigger']) {
        expect(await codeOf(sandbox.files.write(path, 'x', { user })), `write ${path}`).toMatch(
          /^file\.(not_regular|permission_denied|not_found|io|no_space)$/,
        )
      }
      expect(await codeOf(sandbox.files.write('regular', 'x', { user: 'user' }))).toBe('ok')
    })

    attack(
      world,
      'swapping a directory for a symlink while the API works as root',
      { destructive: true, as: ['root'] },
      async ({ sandbox }) => {
        await sandbox.read('mkdir -p real target && touch target/kept && chmod 700 target')
        await using swapper = await sandbox.start([
          'python3',
          '-c',
          `
import ctypes, os
rename = ctypes.CDLL(None).renameat2
os.symlink("/etc", "swap")
while True:
    rename(-100, b"real", -100, b"swap", 2)
`,
        ])
        for (let round = 0; round < 200; round += 1) {
          // As \`user\`: whichever of the two it finds, it may write only into the user's own directory.
          expect(await codeOf(sandbox.files.write('real/written', 'x', { user: 'user' }))).toMatch(
            /^(ok|file\.(permission_denied|not_found|io))$/,
          )
          expect(await codeOf(sandbox.files.remove('swap/passwd', { user: 'user' }))).toMatch(
            /^(ok|file\.(permission_denied|not_found|io))$/,
          )
        }
        await swapper.signal('SIGKILL')
        expect(
          await sandbox.read('ls /etc/written 2>&1 | grep -c "No such"; grep -c ^root: /etc/passwd', { user: 'root' }),
        ).toBe('1\n1')
      },
    )

    attack(
      world,
      'removing a tree in which directories turn into symlinks',
      { destructive: true },
      async ({ sandbox, user }) => {
        await sandbox.read(
          'mkdir -p outside tree && touch outside/kept && for i in $(seq 50); do mkdir -p tree/$i/a/b; done',
          { user },
        )
        await using swapper = await sandbox.start(
          [
            'python3',
            '-c',
            `
import os
while True:
    for i in range(1, 51):
        try:
            os.rename("tree/%d/a" % i, "tree/%d/was" % i)
            os.symlink(os.path.abspath("outside"), "tree/%d/a" % i)
        except OSError:
            pass
`,
          ],
          { user },
        )
        await codeOf(sandbox.files.remove('tree', { recursive: true, user }))
        await swapper.signal('SIGKILL')
        await swapper.wait()
        await codeOf(sandbox.files.remove('tree', { recursive: true, user }))
        expect(await sandbox.read('ls outside', { user })).toBe('kept')
      },
    )

    attack(world, 'names that are not names', {}, async ({ sandbox, user }) => {
      const bad = ['a\0b', 'x'.repeat(256), `/${'d/'.repeat(2040)}x`, '']
      for (const path of bad) {
        expect(await codeOf(sandbox.files.write(path, 'x', { user })), JSON.stringify(path.slice(0, 20))).toMatch(
          /^(file\.(name_invalid|not_found|is_directory)|request\.invalid)$/,
        )
      }
      await sandbox.read('ln -sfn loop loop')
      expect(await codeOf(sandbox.files.read('loop', { user }))).toBe('file.too_many_links')
      expect(await codeOf(sandbox.files.write('good name', 'x', { user }))).toBe('ok')
    })

    attack(world, 'paths that climb above the root', {}, async ({ sandbox, user }) => {
      const climbed = await sandbox.files.readText(`/${'../'.repeat(50)}etc/passwd`, { user })
      expect(climbed).toBe(await sandbox.files.readText('/etc/passwd', { user }))
      expect(climbed).toContain('user:x:1000:1000:')
    })

    attack(
      world,
      'writing files that belong to another user of the sandbox',
      { as: ['user'], destructive: true },
      async ({ sandbox }) => {
        if ((await world.capabilities()).userns === 'single') await sandbox.read('chmod -R a-w /etc')
        expect(await codeOf(sandbox.files.write('/etc/passwd', 'x'))).toBe('file.permission_denied')
        expect(await codeOf(sandbox.files.remove('/etc/passwd'))).toBe('file.permission_denied')
        expect(await codeOf(sandbox.files.move('/etc/passwd', '/tmp/passwd'))).toBe('file.permission_denied')
        expect(await codeOf(sandbox.files.makeDirectory('/etc/x'))).toBe('file.permission_denied')
        expect(await codeOf(sandbox.files.write('/tmp/own', 'x'))).toBe('ok')
      },
    )

    attack(world, 'a mode with the setuid bit', {}, async ({ sandbox, user }) => {
      expect(await codeOf(sandbox.files.write('/tmp/suid', '#!/bin/sh\nid -u', { user, mode: 0o755 }))).toBe('ok')
      await codeOf(sandbox.files.write('/tmp/suid', '#!/bin/sh\nid -u', { user, mode: 0o4755 }))
      expect(await sandbox.read('/tmp/suid')).toBe(await sandbox.read('id -u'))
      await sandbox.files.remove('/tmp/suid', { user })
    })

    for (const user of users) {
      world.test(
        `a user that does not exist, given by ${user === 'user' ? 'name' : 'id'}: is refused or has no rights`,
        async () => {
          const sandbox = await world.shared()
          if (user === 'user')
            expect(await codeOf(sandbox.files.read('/etc/passwd', { user: 'nobody-of-that-name' }))).toMatch(
              /^(process\.(user_unknown|root_unavailable)|request\.invalid)$/,
            )
          else
            expect(await codeOf(sandbox.files.write('/etc/x', 'x', { user: '4242:4242' }))).toMatch(
              /^(file\.permission_denied|process\.user_unknown|process\.root_unavailable|request\.invalid)$/,
            )
        },
      )
    }
  })
})
