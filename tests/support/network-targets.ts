// SPDX-License-Identifier: Apache-2.0
// Runs in a network namespace of a test's own, as whatever may be reached there: `targets` for the internet,
// `host` for the machine that Isola runs on. Tells its parent of every connection, every byte and every question.
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { CERTIFICATE, KEY } from './network-certificate.ts'
import { openDnsServer } from './network-dns.ts'
import { PORTS, type TargetEvent, type TargetOrder } from './network-wording.ts'

const backendName = (kind: string) => `\0target-${kind}`
let connections = 0

function tell(event: TargetEvent): void {
  if (process.connected) process.send?.(event, undefined, undefined, () => undefined)
}

function listen(server: Server, where: { path: string } | { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => server.once('error', reject).listen(where, resolve))
}

/** Tells of everything that passes on its way to the server behind it. */
function tap(port: number, kind: string): Promise<void> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const number = ++connections
    const address = socket.localAddress?.replace(/^::ffff:(?=\d+\.)/, '') ?? ''
    tell({ event: 'open', number, address, port })
    const inner = connect({ path: backendName(kind), allowHalfOpen: true })
    let how: 'end' | 'reset' = 'end'
    socket.on('data', (chunk) => tell({ event: 'bytes', number, text: chunk.toString('latin1') }))
    socket.on('error', () => (how = 'reset'))
    socket.on('close', () => {
      inner.destroy()
      tell({ event: 'closed', number, how })
    })
    inner.on('error', () => socket.destroy())
    inner.on('close', () => socket.destroySoon())
    socket.pipe(inner)
    inner.pipe(socket)
  })
  return listen(server, { host: '::', port })
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://x')
  const to = url.searchParams.get('to')
  if (url.pathname === '/redirect' && to !== null) response.writeHead(302, { location: to }).end()
  else if (url.pathname === '/hold') response.writeHead(200, { 'content-type': 'text/plain' }).write('first\n')
  else if (url.pathname === '/endless') pour(response.writeHead(200))
  else {
    request.resume().on('end', () => {
      const { method, headers } = request
      response.end(JSON.stringify({ method, url: request.url, headers }))
    })
  }
}

/** As much as the reader takes. */
function pour(into: ServerResponse | Socket): void {
  const chunk = Buffer.alloc(65_536, 'x')
  const more = (): void => {
    while (!into.destroyed && into.write(chunk));
  }
  into.on('drain', more)
  more()
}

const echo = (socket: Socket | TLSSocket): void => {
  socket.on('error', () => undefined)
  socket.pipe(socket)
}

async function openBackends(): Promise<void> {
  const http = createHttpServer({ requireHostHeader: false, insecureHTTPParser: true }, answer)
  http.on('upgrade', (_, socket: Socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    echo(socket)
  })
  await listen(http, { path: backendName('http') })
  const tls = createTlsServer({ key: KEY, cert: CERTIFICATE, allowHalfOpen: true }, (socket) => {
    socket.write(`sni=${socket.servername === false ? '' : (socket.servername ?? '')}\n`)
    echo(socket)
  })
  tls.on('tlsClientError', () => undefined)
  await listen(tls, { path: backendName('tls') })
  await listen(createServer({ allowHalfOpen: true }, echo), { path: backendName('echo') })
  const speaker = (socket: Socket): void => {
    socket.write('SSH-2.0-target\r\n')
    echo(socket)
  }
  await listen(createServer({ allowHalfOpen: true }, speaker), { path: backendName('banner') })
  const source = (socket: Socket): void => {
    socket.on('error', () => undefined).resume()
    pour(socket)
  }
  await listen(createServer(source), { path: backendName('endless') })
}

async function open(): Promise<void> {
  await openBackends()
  for (const [kind, ports] of Object.entries(PORTS)) for (const port of ports) await tap(port, kind)
}

let dns: Awaited<ReturnType<typeof openDnsServer>> | undefined

async function carryOut(order: TargetOrder): Promise<void> {
  if (order.order === 'open') {
    await open()
    if (order.dnsAddress !== undefined) dns = await openDnsServer(order.dnsAddress, tell)
  } else if (order.order === 'zone') dns?.setZone(order.zone)
  else {
    // What the kernel has received already is read in these turns.
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  tell({ event: 'done', id: order.id })
}

process.on('message', (order: TargetOrder) => void carryOut(order))
process.on('disconnect', () => process.exit())
tell({ event: 'done', id: 0 })
