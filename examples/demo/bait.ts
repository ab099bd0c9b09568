// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'

/** Things of this machine that are worth stealing, so that "could not" means something. */
export class Bait implements AsyncDisposable {
  /** Must never be seen inside. */
  readonly secret: string
  readonly env: Record<string, string>
  readonly #folder: string
  readonly #close: () => void
  readonly #calls: () => number

  private constructor(secret: string, folder: string, port: number, calls: () => number, close: () => void) {
    this.secret = secret
    this.#folder = folder
    this.#calls = calls
    this.#close = close
    this.env = {
      LOOT_FILE: join(folder, 'secret'),
      HOST_HOME: homedir(),
      HOST_PORT: String(port),
      HOST_PID: String(process.pid),
    }
  }

  static async lay(): Promise<Bait> {
    const secret = `demo-${randomBytes(16).toString('hex')}`
    const folder = await mkdtemp(join(tmpdir(), 'isola-demo-'))
    // Readable by everybody on this machine: only the sandbox stands before it.
    await writeFile(join(folder, 'secret'), `${secret}\n`, { mode: 0o644 })
    process.env['DEMO_CLOUD_SECRET_KEY'] = secret
    let calls = 0
    const listener = createServer((socket) => {
      calls++
      socket.destroy()
    })
    listener.listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const { port } = listener.address() as AddressInfo
    return new Bait(
      secret,
      folder,
      port,
      () => calls,
      () => void listener.close(),
    )
  }

  /** How often anybody called the listener of this machine. */
  get calls(): number {
    return this.#calls()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    delete process.env['DEMO_CLOUD_SECRET_KEY']
    this.#close()
    await rm(this.#folder, { recursive: true, force: true })
  }
}
