// SPDX-License-Identifier: Apache-2.0
import { describe, expect } from 'vitest'
import { onEachDriver } from '../support/world.ts'
import { attack } from './attacker.ts'

describe('sudo inside', () => {
  onEachDriver((world) => {
    attack(world, 'code of the user in a program of root by its environment', { as: ['user'] }, async ({ sandbox }) => {
      const evil = {
        LD_PRELOAD: '/tmp/evil.so',
        LD_LIBRARY_PATH: '/tmp',
        BASH_ENV: '/tmp/evil.sh',
        ENV: '/tmp/evil.sh',
        PYTHONPATH: '/tmp',
        PERL5OPT: '-Mevil',
        IFS: 'x',
        PATH: `/tmp/evil:${await sandbox.read('echo $PATH')}`,
      }
      await sandbox.read(
        'mkdir -p /tmp/evil && printf "#!/bin/sh\\necho taken over\\n" > /tmp/evil/id && chmod +x /tmp/evil/id && echo "echo taken over" > /tmp/evil.sh',
      )
      const seen = await sandbox.run(['/usr/bin/sudo', 'env'], { env: evil })
      for (const name of ['LD_PRELOAD', 'LD_LIBRARY_PATH', 'BASH_ENV', 'ENV', 'PYTHONPATH', 'PERL5OPT', 'IFS'])
        expect(seen.stdout).not.toMatch(new RegExp(`^${name}=`, 'm'))
      expect((await sandbox.run(['/usr/bin/sudo', 'id', '-u'], { env: evil })).stdout).not.toContain('taken over')
    })

    attack(
      world,
      'a program that speaks to the socket of sudo without being asked to',
      {},
      async ({ sandbox, user }) => {
        const result = await sandbox.run(
          [
            'python3',
            '-c',
            `
import os, socket
try:
    client = socket.socket(socket.AF_UNIX)
    client.connect("/run/isola/sudo.sock")
    client.settimeout(10)
    for message in [b"", b"\\0" * 64, b"{}", b'{"argv":["id"]}', os.urandom(65536)]:
        try:
            client.send(message)
        except OSError:
            break
    try:
        client.shutdown(socket.SHUT_WR)
        client.recv(65536)
    except OSError:
        pass
except OSError as error:
    print(error.strerror)
print("over")
`,
          ],
          { user },
        )
        expect(result.stdout).toMatch(/over\n$/)
        expect(await sandbox.read(['echo', 'alive'])).toBe('alive')
      },
    )

    attack(world, 'a thousand connections that say nothing', { destructive: true }, async ({ sandbox, user }) => {
      await using flood = await sandbox.start(
        [
          'python3',
          '-uc',
          `
import resource, signal, socket
held = []
try:
    for _ in range(1000):
        client = socket.socket(socket.AF_UNIX)
        client.setblocking(False)
        client.connect("/run/isola/sudo.sock")
        held.append(client)
except OSError as error:
    print(error.strerror)
print("flooded", flush=True)
signal.pause()
`,
        ],
        { user },
      )
      for await (const { bytes } of flood.output()) if (Buffer.from(bytes).includes('flooded')) break
      expect(await sandbox.read(['echo', 'alive'])).toBe('alive')
      expect(await sandbox.files.exists('/etc/passwd')).toBe(true)
    })

    attack(
      world,
      'closing the shim to leave a program of root behind',
      { as: ['user'], destructive: true },
      async ({ sandbox }) => {
        if ((await world.capabilities()).userns === 'single') {
          const refused = await sandbox.run(['sudo', 'id'])
          expect(refused.exitCode).toBe(1)
          expect(refused.stderr.trim().split('\n')).toHaveLength(1)
          return
        }
        await using shim = await sandbox.start(['sudo', 'sh', '-c', 'echo started; exec sleep 1000'])
        for await (const { bytes } of shim.output()) if (Buffer.from(bytes).includes('started')) break
        await shim.signal('SIGKILL')
        await shim.wait()
        expect(
          await sandbox.read(
            'for i in $(seq 100); do pgrep -x sleep >/dev/null || { echo gone; exit; }; sleep 0.1; done; echo left',
          ),
        ).toBe('gone')
      },
    )

    attack(world, 'sudo as another user than the one that the sandbox has', { as: ['root'] }, async ({ sandbox }) => {
      // Only \`user\` and root may ask: a service that was taken over must not become root.
      const asked = await sandbox.run(['sudo', 'id', '-u'], { user: '33:33' })
      expect(asked.stdout).not.toContain('0\n')
      expect(asked.exitCode).not.toBe(0)
      expect(await sandbox.read(['sudo', 'id', '-u'])).toBe('0')
    })
  })
})
