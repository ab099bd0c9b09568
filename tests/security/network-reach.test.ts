// SPDX-License-Identifier: Apache-2.0
import { createServer, type Server } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { onHost } from '../support/on-host.ts'
import { onEachDriver } from '../support/world.ts'
import { attack, PRELUDE } from './attacker.ts'
import { judge } from './outcomes.ts'

const UNREACHABLE = [
  'ECONNREFUSED',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'EADDRNOTAVAIL',
  'EPERM',
  'EACCES',
  'EINVAL',
] as const
const CONNECT = `
def connect(address, port, kind=socket.SOCK_STREAM):
    def action():
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, kind) as client:
            client.settimeout(5)
            client.connect((address, port))
            if kind == socket.SOCK_DGRAM:
                client.send(b"x")
    return attempt(action)
`
const ABSTRACT = `isola-test-${process.pid}`

let port: number
const servers: Server[] = []

beforeAll(async () => {
  port = await listen({ host: '::', port: 0 })
  await listen({ path: `\0${ABSTRACT}` })
})
afterAll(() => {
  for (const server of servers) server.close()
})

async function listen(where: { host: string; port: number } | { path: string }): Promise<number> {
  const server = createServer((socket) => {
    // Whoever connects for a test hangs up at once.
    socket.on('error', () => undefined)
    socket.end('reached')
  })
  servers.push(server)
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(where, resolve))
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flat()
    .filter((entry) => entry !== undefined && !entry.address.startsWith('fe80'))
    .map((entry) => (entry as { address: string }).address)
}

describe('reach of the network', () => {
  onEachDriver((world) => {
    attack(world, 'a listener on an address of the host', {}, async (attacker) => {
      const program = `${CONNECT}\nfor address in ${JSON.stringify(ownAddresses())}:\n    report(address, connect(address, ${port}))\n`
      const accepted = (outcome: string | readonly string[]) =>
        Object.fromEntries(ownAddresses().map((address) => [address, outcome]))
      judge(await onHost(['/usr/bin/python3', '-c', PRELUDE + program]), accepted('ok'))
      await attacker.attempts(program, accepted(UNREACHABLE))
    })

    attack(world, 'an abstract unix socket of the host', {}, async (attacker) => {
      const program = `
def connect():
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\\0${ABSTRACT}")
report("connect", attempt(connect))
`
      judge(await onHost(['/usr/bin/python3', '-c', PRELUDE + program]), { connect: 'ok' })
      await attacker.attempts(program, { connect: 'ECONNREFUSED' })
    })

    attack(world, 'a listener and an abstract socket of another sandbox', {}, async (attacker) => {
      await using neighbour = await world.create()
      await using server = await neighbour.start([
        'python3',
        '-uc',
        `import socket
a=socket.create_server(("",7000)); b=socket.socket(socket.AF_UNIX); b.bind("\\0neighbour"); b.listen()
print("listening"); held = [a.accept() for _ in iter(int, 1)]`,
      ])
      for await (const { bytes } of server.output()) if (Buffer.from(bytes).includes('listening')) break
      const program = `${CONNECT}
def unix():
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\\0neighbour")
report("tcp", connect("127.0.0.1", 7000))
report("unix", attempt(unix))
`
      await attacker.attempts(program, { tcp: 'ECONNREFUSED', unix: 'ECONNREFUSED' })
      judge(await neighbour.run(['python3', '-c', PRELUDE + program]), { tcp: 'ok', unix: 'ok' })
    })

    attack(
      world,
      'addresses of the metadata service, of private networks and of the internet',
      {},
      async (attacker) => {
        const addresses = [
          '169.254.169.254',
          '10.0.0.1',
          '172.17.0.1',
          '192.168.1.1',
          '100.100.100.200',
          '1.1.1.1',
          '255.255.255.255',
          '224.0.0.1',
          'fd00:ec2::254',
          '2606:4700::1111',
          'ff02::1',
        ]
        await attacker.attempts(
          `${CONNECT}
for address in ${JSON.stringify(addresses)}:
    report(address, connect(address, 80))
    report(address + " by udp", connect(address, 53, socket.SOCK_DGRAM))
with socket.create_server(("127.0.0.1", 0)) as own:
    report("own loopback", connect("127.0.0.1", own.getsockname()[1]))
`,
          {
            ...Object.fromEntries(
              addresses.flatMap((address) => [
                [address, UNREACHABLE],
                [`${address} by udp`, UNREACHABLE],
              ]),
            ),
            'own loopback': 'ok',
          },
        )
      },
    )

    attack(world, 'resolving a name of the internet', {}, async (attacker) => {
      const result = await attacker.runs(
        'import socket\ntry:\n    print(socket.getaddrinfo("example.com", 80))\nexcept OSError as error:\n    print("refused", error)\n',
      )
      expect(result.stdout).toMatch(/^refused/)
      expect(await attacker.sandbox.read('getent hosts localhost', { user: attacker.user })).toMatch(/127\.0\.0\.1|::1/)
    })

    attack(world, 'the socket of the server', {}, async (attacker) => {
      const { stateDirectory, directory } = world.server
      await attacker.attempts(
        `
for path in [${JSON.stringify(`${stateDirectory}/isolad.sock`)}, ${JSON.stringify(`${stateDirectory}/namespace/launcher.sock`)}, ${JSON.stringify(directory)}, "/var/run/docker.sock", "/run/containerd/containerd.sock", "/run/systemd/private", "/run/dbus/system_bus_socket"]:
    def connect():
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
    report(path, attempt(connect))
`,
        Object.fromEntries(
          [
            `${stateDirectory}/isolad.sock`,
            `${stateDirectory}/namespace/launcher.sock`,
            directory,
            '/var/run/docker.sock',
            '/run/containerd/containerd.sock',
            '/run/systemd/private',
            '/run/dbus/system_bus_socket',
          ].map((path) => [path, ['ENOENT', 'EACCES', 'ENOTDIR']]),
        ),
      )
    })

    attack(world, 'shared memory and queues of the host and of another sandbox', {}, async (attacker) => {
      await using neighbour = await world.create()
      const make = `
libc.shmget.restype = ctypes.c_int
made = libc.shmget(0x15013, 4096, 0o1666)
report("make", "ok" if made != -1 else errno.errorcode[ctypes.get_errno()])
`
      judge(await neighbour.run(['python3', '-c', PRELUDE + make]), { make: 'ok' })
      await attacker.attempts(
        `
def find(key):
    ctypes.set_errno(0)
    return "ok" if libc.shmget(key, 0, 0) != -1 else errno.errorcode[ctypes.get_errno()]
report("of the neighbour", find(0x15013))
report("listed", str(len(open("/proc/sysvipc/shm").read().splitlines()) - 1))
`,
        { 'of the neighbour': 'ENOENT', listed: '0' },
      )
    })
  })
})
