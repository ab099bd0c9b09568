// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process'
import { chownSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { type Account, isRoot, readableCheckout } from './account.ts'
import { programsIn } from './checkout.ts'
import { TemporaryDirectory } from './temporary-directory.ts'
import { TrackingCgroups } from './tracking-cgroups.ts'
import type { Trace } from './inventory/trace.ts'

/** What is in the environment of the server and must never be seen inside a sandbox. */
export const HOST_SECRET = 'a-secret-of-the-host-that-no-sandbox-may-see'

export interface PlaceOptions {
  /** Put in front of every command, e.g. to enter a network namespace. */
  readonly within?: readonly string[]
  /** Where in the place the state directory is. */
  readonly state?: string
}

/** A place for one Isola of a test: directories, environment and control groups of its own. */
export class Place {
  readonly account: Account
  readonly directory: TemporaryDirectory
  readonly cgroups: TrackingCgroups
  readonly stateDirectory: string

  readonly #within: readonly string[]

  constructor(account: Account, options: PlaceOptions = {}) {
    this.account = account
    this.#within = options.within ?? []
    this.directory = new TemporaryDirectory(account)
    this.cgroups = new TrackingCgroups(`isola-test-${path.basename(this.directory.path)}`)
    this.stateDirectory = this.directory.join(options.state ?? 's')
    for (const name of ['home', 'tmp']) {
      mkdirSync(this.directory.join(name))
      if (isRoot) chownSync(this.directory.join(name), account.uid, account.gid)
    }
  }

  get trace(): Trace {
    return { directory: this.directory.path, cgroups: this.cgroups.groups }
  }

  /** An environment in which Isola finds nothing of whoever runs the tests. */
  get env(): Record<string, string> {
    return {
      PATH: pathFor(this.account),
      HOME: this.directory.join('home'),
      TMPDIR: this.directory.join('tmp'),
      LANG: 'C.UTF-8',
      ISOLA_STATE_DIR: this.stateDirectory,
      ISOLA_TEST_SECRET: HOST_SECRET,
      ...guestDirectory(),
    }
  }

  /** Put in front of a command so that it runs here. */
  get prefix(): readonly string[] {
    return [...this.cgroups.prefix, ...this.#within, ...this.account.prefix]
  }

  async remove(): Promise<void> {
    await this.cgroups.remove()
    this.directory[Symbol.dispose]()
    this.account[Symbol.dispose]?.()
  }
}

/** What the server says once it is over with starting. */
export interface ReadyLine {
  readonly event: 'ready' | 'already-running' | 'failed'
  readonly pid?: number
  readonly socket?: string
  readonly url?: string | null
  readonly keyFile?: string | null
  readonly error?: { readonly code: string; readonly message: string; readonly hint: string }
}

/** A real `isolad` in a place of its own. */
export class IsolaServer {
  readonly place: Place
  readonly ready: ReadyLine
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>
  readonly #child: ChildProcess
  readonly #log: string[]

  private constructor(place: Place, ready: ReadyLine, child: ChildProcess, log: string[]) {
    this.place = place
    this.ready = ready
    this.#child = child
    this.#log = log
    this.ended = new Promise((resolve) => child.once('exit', (code, by) => resolve(by ?? (code as number))))
  }

  /** Resolves when it answers; also when it says that it cannot, see `ready`. */
  static async start(place: Place, args: readonly string[] = []): Promise<IsolaServer> {
    const { node, isolad } = programsIn(await readableCheckout())
    const [program, ...rest] = [...place.prefix, node, isolad, 'serve', ...args] as [string, ...string[]]
    const child = spawn(program, rest, { cwd: '/', env: place.env, stdio: ['ignore', 'pipe', 'pipe'] })
    const log: string[] = []
    child.stderr?.on('data', (chunk: Buffer) => log.push(chunk.toString()))
    const line = await new Promise<string>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) =>
        reject(new Error(`isolad ended (${signal ?? code}): ${log.join('').trim()}`)),
      )
      createInterface({ input: child.stdout as NodeJS.ReadableStream }).once('line', resolve)
    })
    return new IsolaServer(place, JSON.parse(line) as ReadyLine, child, log)
  }

  get pid(): number {
    return this.ready.pid as number
  }

  get socketPath(): string {
    return this.ready.socket as string
  }

  get log(): string {
    return this.#log.join('')
  }

  /** Sends a signal; resolves when it has ended. */
  async signal(signal: NodeJS.Signals): Promise<number | NodeJS.Signals> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) process.kill(this.pid, signal)
    return this.ended
  }

  stop(): Promise<number | NodeJS.Signals> {
    return this.signal('SIGTERM')
  }
}

/** Binaries other than those of the checkout may be put to the test. */
function guestDirectory(): { ISOLA_GUEST_DIR?: string } {
  const given = process.env['ISOLA_GUEST_DIR']
  return given === undefined ? {} : { ISOLA_GUEST_DIR: given }
}

function pathFor(account: Account): string {
  const system = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
  return account.uid === 0 ? (process.env['PATH'] ?? system) : system
}
