// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { NetworkVerdict } from '@isola/protocol'
import type { ToldRequest } from '../src/egress/http-client.ts'
import { HttpProxy, type HttpProxyWaits, type ProxiedConnection } from '../src/egress/http-proxy.host.ts'

const ALLOWED: NetworkVerdict = { verdict: 'allow', rule: 0, reason: 'the test allows it' }
const DENIED: NetworkVerdict = { verdict: 'deny', rule: 1, reason: 'the test denies it' }

/** For tests: a proxy, the relay that hands connections over to it, and servers for it to reach. */
export class TestRelay implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'isola-proxy-'))
  readonly socketPath = join(this.directory, 'p')
  readonly told: ToldRequest[] = []
  readonly asked: (string | null)[] = []
  readonly log: string[] = []
  /** Names that start with `denied` are. */
  decide = (host: string | null): NetworkVerdict => (host?.toLowerCase().startsWith('denied') ? DENIED : ALLOWED)
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()
  #proxy: HttpProxy | undefined

  static async start(waits: Partial<HttpProxyWaits> = {}): Promise<TestRelay> {
    const relay = new TestRelay()
    const note = (message: string, fields?: object) =>
      relay.log.push(`${message} ${String((fields as { error?: Error } | undefined)?.error?.stack)}`)
    relay.#proxy = await HttpProxy.listen({
      socketPath: relay.socketPath,
      journal: { info: note, warn: note },
      decide: (_connection, host) => {
        relay.asked.push(host)
        return relay.decide(host)
      },
      told: (_connection, request) => relay.told.push(request),
      waits,
    })
    return relay
  }

  get proxy(): HttpProxy {
    if (this.#proxy === undefined) throw new Error('not started')
    return this.#proxy
  }

  /** A client's connection to this port, with the preface written. */
  async client(port: number): Promise<Socket> {
    const socket = await this.bare()
    socket.write(`${this.proxy.expect(this.connectionTo(port))}\n`)
    return socket
  }

  async bare(): Promise<Socket> {
    const socket = connect({ path: this.socketPath, allowHalfOpen: true })
    this.#keep(socket)
    await new Promise((resolve) => socket.once('connect', resolve))
    return socket
  }

  connectionTo(port: number): ProxiedConnection {
    return { sandboxId: 'sbx', connection: 7, address: '127.0.0.1', port }
  }

  /** Sends these bytes on a new connection and reads until it ends. */
  async send(port: number, text: string): Promise<string> {
    const socket = await this.client(port)
    socket.write(text, 'latin1')
    return readToClose(socket)
  }

  http(listener: RequestListener): Promise<number> {
    return this.serve(createServer(listener))
  }

  /** A server that is given every connection as it is. */
  tcp(onConnection: (socket: Socket) => void): Promise<number> {
    return this.serve(createTcpServer({ allowHalfOpen: true }, onConnection))
  }

  /** A server that answers each connection with these bytes once a head has come; `received` is all it was sent. */
  async raw(answer: string): Promise<{ port: number; received: string[] }> {
    const received: string[] = []
    const port = await this.tcp((socket) => {
      const index = received.push('') - 1
      let isAnswered = false
      socket.on('data', (chunk) => {
        received[index] += chunk.toString('latin1')
        if (isAnswered || !received[index]?.includes('\r\n\r\n')) return
        isAnswered = true
        socket.write(answer, 'latin1')
      })
    })
    return { port, received }
  }

  async serve(server: Server): Promise<number> {
    this.#servers.push(server)
    server.on('connection', (socket) => this.#keep(socket))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxy?.close()
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))))
    rmSync(this.directory, { recursive: true })
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => this.#sockets.delete(socket))
  }
}

export async function readToClose(socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
  })
  await new Promise<void>((resolve) => {
    socket.once('close', () => resolve())
    socket.once('end', () => {
      socket.destroy()
      resolve()
    })
    if (socket.destroyed) resolve()
  })
  return text
}

/** Reads until what came contains this. */
export async function readUntil(socket: Socket, end: string): Promise<string> {
  let text = ''
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const onData = (chunk: Buffer) => {
    text += chunk.toString('latin1')
    if (text.includes(end)) resolve()
  }
  const onClose = () => reject(new Error(`closed after ${JSON.stringify(text)}`))
  socket.on('data', onData).once('close', onClose).once('end', onClose)
  await promise
  socket.off('data', onData).off('close', onClose).off('end', onClose)
  return text
}

export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await sleep(5)
}
