// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isRoot, ordinaryAccount, rootAccount } from '../support/account.ts'
import { IsolaServer, Place } from '../support/isola-server.ts'
import { endPlace } from '../support/end-place.ts'
import { onHost } from '../support/on-host.ts'
import { Subject } from '../support/subject.ts'

const SERVICE = `
import select, socket
listeners = [socket.create_server((address, 80)) for address in ("169.254.169.254", "10.77.0.1")]
print("ready", flush=True)
while True:
    for listener in select.select(listeners, [], [])[0]:
        listener.accept()[0].sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\na token of the host")
`
const ASK = `
import socket, sys
client = socket.create_connection((sys.argv[1], 80), 10)
client.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
print(client.recv(4096).decode())
`

// A host of its own: a network namespace with a metadata service on it, in which the server runs.
describe.each([
  { name: 'namespace-root', account: rootAccount },
  { name: 'namespace-rootless', account: ordinaryAccount },
])('a metadata service on the host: $name', ({ account }) => {
  let host: ChildProcess
  let place: Place
  let server: IsolaServer

  beforeAll(async () => {
    if (!isRoot) return
    host = spawn(
      'unshare',
      [
        '--net',
        '--',
        'sh',
        '-c',
        `ip link set lo up && ip addr add 169.254.169.254/32 dev lo && ip addr add 10.77.0.1/32 dev lo && exec /usr/bin/python3 -c '${SERVICE}'`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    await new Promise<void>((resolve, reject) => {
      host.once('exit', (code) => reject(new Error(`the service ended with ${code}`)))
      createInterface({ input: host.stdout as NodeJS.ReadableStream }).once('line', () => resolve())
    })
    place = new Place(account, { within: ['nsenter', `--net=/proc/${host.pid}/ns/net`, '--'] })
    server = await IsolaServer.start(place)
  }, 60_000)

  afterAll(async () => {
    if (!isRoot) return
    await server.stop()
    host.kill('SIGKILL')
    expect(await endPlace(place)).toEqual([])
  }, 60_000)

  test('it answers on the host and is out of reach inside', async ({ skip }) => {
    if (!isRoot) skip('needs root to make a host with such a service')
    expect(server.ready).toMatchObject({ event: 'ready' })
    await using sandbox = await Subject.create({ url: `unix:${server.socketPath}` }, {})
    const users = (await sandbox.sandbox.refresh()).run?.users === 'range' ? ['user', 'root'] : ['user']
    for (const address of ['169.254.169.254', '10.77.0.1']) {
      const control = await onHost([
        'nsenter',
        `--net=/proc/${host.pid}/ns/net`,
        '--',
        '/usr/bin/python3',
        '-c',
        ASK,
        address,
      ])
      expect(control.stdout).toContain('a token of the host')
      for (const user of users) {
        const result = await sandbox.run(['python3', '-c', ASK, address], { user })
        expect(result.stdout).toBe('')
        expect(result.stderr).toMatch(/Network is unreachable|Connection refused|No route to host/)
      }
    }
  })
})
