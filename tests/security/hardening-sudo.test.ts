// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { describe, expect } from 'vitest'
import { onEachDriver } from '../support/world.ts'
import { attack } from './attacker.ts'

const LINGER = readFileSync(new URL('programs/hardening_linger.py', import.meta.url), 'utf8')

describe('descriptors that the agent is handed', () => {
  onEachDriver((world) => {
    for (const [way, says] of [
      ['as_stream', 'neither a pipe'],
      ['beyond_three', 'missing'],
      ['never_read', 'missing'],
      ['nested', 'Exited'],
    ] as const) {
      attack(
        world,
        `a socket whose closing waits (${way.replaceAll('_', ' ')})`,
        { destructive: true },
        async (attacker) => {
          const { sandbox } = attacker
          // With a single user id there is no sudo, and nobody to be handed anything.
          if (world.driver === 'namespace-rootless') return
          expect(await sandbox.read(['/usr/bin/sudo', 'id', '-u'])).toBe('0')
          await attacker.attempts(
            `${LINGER}
answer = ${way}()
report("answer", "ok" if ${JSON.stringify(says)} in answer else answer)
`,
            { answer: 'ok' },
          )
          expect(await sandbox.read(['echo', 'alive'])).toBe('alive')
        },
      )
    }

    attack(world, 'streams that are no streams', {}, async (attacker) => {
      if (world.driver === 'namespace-rootless') return
      await attacker.attempts(
        `${LINGER}
import select
listener = socket.socket()
for label, stream in [("tcp", listener), ("directory", os.open("/", os.O_RDONLY)), ("epoll", select.epoll())]:
    client = connected()
    client.sendmsg([question()], pack([stream if isinstance(stream, int) else stream.fileno(), 1, 2]))
    report(label, "ok" if "neither a pipe" in client.recv(65536).decode() else "taken")
for label, stream in [("pipe", os.pipe()[0]), ("file", os.open("/etc/passwd", os.O_RDONLY)), ("device", os.open("/dev/null", os.O_RDWR)), ("unix", socket.socketpair()[0])]:
    client = connected()
    client.sendmsg([question()], pack([stream if isinstance(stream, int) else stream.fileno(), 1, 2]))
    report(label, "ok" if "Started" in client.recv(65536).decode() else "refused")
`,
        { tcp: 'ok', directory: 'ok', epoll: 'ok', pipe: 'ok', file: 'ok', device: 'ok', unix: 'ok' },
      )
    })
  })
})
