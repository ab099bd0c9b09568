// SPDX-License-Identifier: Apache-2.0
import { describe, expect } from 'vitest'
import { onEachDriver } from '../support/world.ts'
import { attack } from './attacker.ts'

describe('processes of the sandbox against its agent', () => {
  onEachDriver((world) => {
    attack(world, 'killing every process', { destructive: true }, async (attacker) => {
      const { sandbox, user } = attacker
      const { userns } = await world.capabilities()
      // Who has the spawner's id ends it as well, which may be before that has told of this very start.
      await sandbox.run(['kill', '-9', '-1'], { user }).catch((error: unknown) => {
        if (user === 'user' && userns === 'range') throw error
        expect(error).toMatchObject({ code: 'agent.spawner_lost' })
      })
      // Files are the agent's own work, so it lives; so does the server.
      expect(await sandbox.files.exists('/etc/passwd')).toBe(true)
      await using neighbour = await world.create()
      expect(await neighbour.read(['echo', 'alive'])).toBe('alive')
      if (user === 'user') expect(await sandbox.read(['echo', 'alive'])).toBe('alive')
    })

    attack(world, 'sending every signal to pid 1', { destructive: true }, async (attacker) => {
      const result = await attacker.runs(`
import signal
sent = [number for number in range(1, 65) if attempt(lambda: os.kill(1, number)) == "ok"]
report("sent", "none" if not sent else "some")
report("to itself", attempt(lambda: os.kill(os.getpid(), 0)))
`)
      expect(result.stdout).toContain('["to itself", "ok"]')
      // With a single id the agent is of the same user: then it is asked, and does not listen.
      const { userns } = await world.capabilities()
      if (attacker.user === 'user' && userns === 'range') expect(result.stdout).toContain('["sent", "none"]')
      expect(await attacker.sandbox.read(['echo', 'alive'])).toBe('alive')
    })

    attack(world, 'killing or stopping the spawner', { destructive: true }, async (attacker) => {
      const { sandbox } = attacker
      const result = await attacker.runs(`
import signal
report("stop", attempt(lambda: os.kill(2, signal.SIGSTOP)))
report("continue", attempt(lambda: os.kill(2, signal.SIGCONT)))
report("kill", attempt(lambda: os.kill(2, signal.SIGKILL)))
`)
      expect(result.exitCode).toBe(0)
      const after = await sandbox.run(['echo', 'alive']).catch((error: { code?: string }) => error.code)
      // Root inside may cost itself its own spawner; that is then said, and harms nobody else.
      expect(typeof after === 'object' ? after.stdout : after).toMatch(
        attacker.user === 'user' ? /^alive\n$/ : /^alive\n$|agent\.spawner_lost/,
      )
      expect(await sandbox.files.exists('/etc/passwd')).toBe(true)
      await using neighbour = await world.create()
      expect(await neighbour.read(['echo', 'alive'])).toBe('alive')
    })

    attack(world, 'descriptors that were left open', {}, async (attacker) => {
      await attacker.attempts(
        `
for number in os.listdir("/proc/self/fd"):
    try:
        target = os.readlink("/proc/self/fd/" + number)
    except OSError:
        continue
    if int(number) > 2:
        report("descriptor " + number, target)
report("looked", "ok")
`,
        { looked: 'ok' },
      )
    })

    attack(world, 'descriptors of the parent in a shell and in a terminal', {}, async (attacker) => {
      const listing =
        'for fd in /proc/self/fd/*; do [ -e "$fd" ] && readlink "$fd"; done | grep -vE "^/proc/|pipe:|/dev/(null|pts)" ; echo looked'
      expect(await attacker.sandbox.read(listing, { user: attacker.user })).toBe('looked')
      const onTerminal = await attacker.sandbox.run(listing, { user: attacker.user, tty: { cols: 80, rows: 24 } })
      expect(onTerminal.stdout.trim()).toBe('looked')
    })

    attack(world, 'staying after the end of its process', { destructive: true }, async (attacker) => {
      const { sandbox, user } = attacker
      const left = await sandbox.read('setsid sleep 1000 >/dev/null 2>&1 & echo $!', { user })
      expect(await sandbox.read(`kill -0 ${left} && echo stayed`, { user })).toBe('stayed')
      // It may live as long as the sandbox, and not longer: the leak check of the suite sees it if it does.
      await sandbox[Symbol.asyncDispose]()
      await expect(sandbox.run(['true'])).rejects.toMatchObject({ code: 'sandbox.not_found' })
    })

    attack(world, 'writing where the agent reads its orders', {}, async (attacker) => {
      await attacker.attempts(
        `
import socket, tempfile
own = tempfile.mkdtemp() + "/own.sock"
listener = socket.socket(socket.AF_UNIX)
listener.bind(own)
sockets = [line.split()[-1] for line in open("/proc/net/unix") if "/" in line]
report("own socket is listed", "ok" if own in sockets else str(sockets))
report("agent's socket is listed", "yes" if any("agent" in path for path in sockets) else "no")
for number in range(3, 8):
    report("descriptor %d of pid 1" % number, opened("/proc/1/fd/%d" % number, os.O_RDWR))
    report("descriptor %d of pid 2" % number, opened("/proc/2/fd/%d" % number, os.O_RDWR))
report("own output", "ok" if os.path.exists("/proc/self/fd/1") else "none")
`,
        {
          ...Object.fromEntries(
            [1, 2].flatMap((pid) =>
              [3, 4, 5, 6, 7].map((number) => [
                `descriptor ${number} of pid ${pid}`,
                ['EACCES', 'EPERM', 'ENOENT', 'ENXIO'],
              ]),
            ),
          ),
          'own socket is listed': 'ok',
          "agent's socket is listed": 'no',
          'own output': 'ok',
        },
      )
    })
  })
})
