// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { CreateSandbox, ProcessExit, RunCommand, StartProcess } from '@isola/protocol'
import { IsolaError } from '@isola/protocol/wire'
import { answerFiles } from './fake-files.ts'
import { type FakeEnd, type FakeProgram, fakePrograms } from './fake-programs.ts'
import { type FakeSandbox, fakeSandbox } from './fake-sandbox.ts'
import { FakeStream } from './fake-stream.ts'
import { readAll } from './read-all.ts'

/** A server that speaks the real protocol and isolates nothing: for tests of clients. */
export class FakeServer implements AsyncDisposable {
  readonly sandboxes = new Map<string, FakeSandbox>()
  readonly programs: Record<string, FakeProgram> = { ...fakePrograms }
  readonly requests: string[] = []
  readonly streams: FakeStream[] = []
  /** Answers the next request with this error. */
  refuseNext: IsolaError | undefined
  /** Closes the connection of the next request without an answer. */
  dropNext = false
  /** Keeps the next request waiting for it. */
  holdNext: Promise<void> | undefined
  requiredKey: string | undefined
  url = ''
  readonly #http: Server
  readonly #sockets = new Set<Duplex>()

  private constructor() {
    this.#http = createServer((request, response) => void this.#answer(request, response))
    this.#http.on('upgrade', (request, socket, head) => {
      const sandbox = this.#find(decodeURIComponent(request.url?.split('/')[3] ?? ''))
      if (sandbox === undefined) {
        const body = JSON.stringify(notFound(request.url ?? '').toBody())
        socket.end(
          `HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
        )
        return
      }
      this.requests.push(`UPGRADE ${request.url}`)
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: isola-frames/1\r\n\r\n')
      if (head.length > 0) socket.unshift(head)
      const onEnd = ({ destroySandbox }: StartProcess): void => {
        if (destroySandbox === true) this.sandboxes.delete(sandbox.info.id)
      }
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
      this.streams.push(new FakeStream(socket, { program: (start) => this.#program(start), onEnd }))
    })
  }

  static async listen(where: { socketPath: string } | { port: number } = { port: 0 }): Promise<FakeServer> {
    const server = new FakeServer()
    server.#http.listen('socketPath' in where ? where.socketPath : { port: where.port, host: '127.0.0.1' })
    await once(server.#http, 'listening')
    const address = server.#http.address() as AddressInfo | string
    server.url = typeof address === 'string' ? `unix:${address}` : `http://127.0.0.1:${address.port}`
    return server
  }

  /** Closes every connection that is open now, whatever runs on it. */
  dropConnections(): void {
    this.#http.closeAllConnections()
  }

  async close(): Promise<void> {
    this.#http.closeAllConnections()
    for (const socket of this.#sockets) socket.destroy()
    this.#http.close()
    await once(this.#http, 'close')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests.push(`${request.method} ${request.url}`)
    if (this.dropNext) {
      this.dropNext = false
      request.socket.destroy()
      return
    }
    const hold = this.holdNext
    this.holdNext = undefined
    await hold
    try {
      await this.#route(request, response)
    } catch (error) {
      if (response.headersSent) throw error
      const failure = IsolaError.is(error) ? error : new IsolaError('server.internal', String(error))
      json(response, failure.status, failure.toBody())
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = this.refuseNext
    this.refuseNext = undefined
    if (refusal !== undefined) throw refusal
    if (this.requiredKey !== undefined && request.headers.authorization !== `Bearer ${this.requiredKey}`) {
      throw new IsolaError('access.key_invalid', `${request.method} ${request.url}: the key is wrong`)
    }
    const url = new URL(request.url ?? '', 'http://fake')
    const [, , noun, id, ...rest] = url.pathname.split('/').map(decodeURIComponent)
    if (noun === 'server')
      return json(response, 200, { version: '9.9.9', apiVersion: 'v1', agentGeneration: 1, pid: process.pid })
    if (noun === 'doctor') return json(response, 200, this.doctor)
    if (noun !== 'sandboxes') throw new IsolaError('route.not_found', `${request.method} ${url.pathname}`)
    if (id === undefined) return request.method === 'POST' ? this.#create(request, response) : this.#list(url, response)
    const sandbox = this.#find(id)
    if (sandbox === undefined) throw notFound(id)
    if (rest[0] === 'files') return answerFiles(sandbox, request, url, response)
    if (rest[0] === 'run') return this.#run(request, response)
    if (rest[0] === 'processes') return json(response, 200, { processes: [] })
    if (request.method !== 'DELETE') return json(response, 200, sandbox.info)
    this.sandboxes.delete(sandbox.info.id)
    response.writeHead(204).end()
  }

  /** What `GET /v1/doctor` answers. */
  doctor: unknown = {
    stateDirectory: '/fake',
    drivers: [
      {
        driver: 'fake',
        available: true,
        isolation: 'fake (nothing is isolated)',
        capabilities: null,
        checks: [
          { id: 'mount-namespace', ok: true, detail: 'made one' },
          { id: 'cgroup-memory', ok: false, detail: 'no controller is writable', hint: 'delegate one' },
        ],
      },
    ],
  }

  async #create(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = JSON.parse((await readAll(request)).toString()) as CreateSandbox
    if (body.name !== undefined && this.#find(body.name) !== undefined)
      throw new IsolaError('sandbox.name_taken', `create a sandbox: the name ${body.name} is taken`)
    const sandbox = fakeSandbox(this.sandboxes.size + 1, body)
    this.sandboxes.set(sandbox.info.id, sandbox)
    json(response, 201, sandbox.info)
  }

  #list(url: URL, response: ServerResponse): void {
    const labels = url.searchParams.getAll('label').map((label) => label.split('='))
    const all = [...this.sandboxes.values()]
      .map(({ info }) => info)
      .filter((info) => labels.every(([key, value]) => info.labels[key ?? ''] === value))
    const from = Number(url.searchParams.get('cursor') ?? 0)
    // Small pages, so that clients have to follow the cursor.
    json(response, 200, {
      items: all.slice(from, from + 2),
      nextCursor: from + 2 < all.length ? String(from + 2) : null,
    })
  }

  async #run(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = JSON.parse((await readAll(request)).toString()) as RunCommand
    const { argv, run } = this.#program(body as StartProcess)
    const written = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] }
    const end: FakeEnd = await run({
      argv,
      start: body as StartProcess,
      input: (async function* () {
        if (body.stdin !== undefined) yield Buffer.from(body.stdin)
      })(),
      write: async (stream, bytes) => void written[stream].push(typeof bytes === 'string' ? Buffer.from(bytes) : bytes),
      signalled: () => new Promise(() => undefined),
      resized: () => new Promise(() => undefined),
    })
    const exit: Omit<ProcessExit, 'event'> = {
      exitCode: null,
      signal: null,
      timedOut: false,
      oomKilled: false,
      outputCapped: false,
      durationMs: 1,
      stdoutBytes: 0,
      stderrBytes: 0,
      droppedBytes: 0,
      ...end,
    }
    json(response, 200, {
      ...exit,
      processId: 'p1',
      stdout: encode(Buffer.concat(written.stdout)),
      stderr: encode(Buffer.concat(written.stderr)),
    })
  }

  #program(start: StartProcess): { argv: string[]; run: FakeProgram } {
    const argv = start.argv ?? start.shell?.split(' ') ?? []
    if (argv[0] === 'notexecutable')
      throw new IsolaError('process.not_executable', `start ${argv[0]}: permission denied`)
    const run = this.programs[argv[0] ?? '']
    if (run === undefined) throw new IsolaError('process.program_not_found', `start ${argv[0]}: not found`)
    return { argv, run }
  }

  #find(idOrName: string): FakeSandbox | undefined {
    return this.sandboxes.get(idOrName) ?? [...this.sandboxes.values()].find(({ info }) => info.name === idOrName)
  }
}

function notFound(id: string): IsolaError {
  return new IsolaError('sandbox.not_found', `find sandbox ${id}`)
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function encode(bytes: Buffer): { text: string; base64?: string } {
  const text = bytes.toString('utf8')
  return Buffer.from(text).equals(bytes) ? { text } : { text: '', base64: bytes.toString('base64') }
}
