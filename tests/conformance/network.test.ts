// SPDX-License-Identifier: Apache-2.0
import { expect } from 'vitest'
import { Transcript } from '../support/until-output.ts'
import { onEachDriver } from '../support/world.ts'
import { verifies } from './verifies.ts'

const ECHO = `
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
server = socket.socket(family)
server.bind((sys.argv[1], 0)); server.listen()
client = socket.create_connection(server.getsockname()[:2])
client.sendall(b"tcp"); print(server.accept()[0].recv(9).decode())
one = socket.socket(family, socket.SOCK_DGRAM); one.bind((sys.argv[1], 0))
two = socket.socket(family, socket.SOCK_DGRAM); two.sendto(b"udp", one.getsockname()[:2]); print(one.recv(9).decode())
`
const LISTEN = `
import socket, sys
server = socket.create_server(("", int(sys.argv[1])))
print("listening", flush=True)
connection = server.accept()[0]; connection.sendall(sys.argv[2].encode()); connection.close()
`

onEachDriver((world) => {
  verifies(world, 'network.loopback', async () => {
    const sandbox = await world.shared()
    for (const address of ['127.0.0.1', '127.0.0.2', '::1'])
      expect(await sandbox.read(['python3', '-c', ECHO, address]), address).toBe('tcp\nudp')
    expect(
      await sandbox.read(['python3', '-c', 'import socket; print(socket.getaddrinfo("localhost", 80)[0][4][0])']),
    ).toMatch(/^(127\.0\.0\.1|::1)$/)
  })

  verifies(world, 'network.low-port', async () => {
    const sandbox = await world.shared()
    for (const port of ['1', '80', '443', '1023']) {
      expect(
        await sandbox.read([
          'python3',
          '-c',
          'import socket, sys; print(socket.create_server(("", int(sys.argv[1]))).getsockname()[1])',
          port,
        ]),
      ).toBe(port)
    }
  })

  verifies(world, 'network.none', async () => {
    const sandbox = await world.shared()
    expect(await sandbox.read("tail -n +2 /proc/net/dev | grep -o '^ *[a-z0-9]*:' | tr -d ' :'")).toBe('lo')
    expect(await sandbox.read('tail -n +2 /proc/net/route | wc -l')).toBe('0')
    for (const address of ['1.1.1.1', '10.0.0.1', '2606:4700::1111']) {
      const result = await sandbox.run([
        'python3',
        '-c',
        'import socket, sys; socket.create_connection((sys.argv[1], 443), 10)',
        address,
      ])
      expect(result.stderr, address).toMatch(/Network is unreachable|Cannot assign/)
    }
  })

  verifies(world, 'network.own', async () => {
    const first = await world.shared()
    await using second = await world.create()
    for (const sandbox of [first, second]) {
      await using server = await sandbox.start(['python3', '-c', LISTEN, '8080', sandbox.id])
      const transcript = new Transcript(server)
      await transcript.until('listening')
      const ask = 'import socket; print(socket.create_connection(("localhost", 8080)).recv(99).decode())'
      expect(await sandbox.read(['python3', '-c', ask])).toBe(sandbox.id)
    }
  })
})
