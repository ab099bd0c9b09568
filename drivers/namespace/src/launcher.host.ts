// SPDX-License-Identifier: Apache-2.0
import { randomInt } from 'node:crypto'
import { watch } from 'node:fs'
import path from 'node:path'
import { type ByteChannel, type Journal, Operation } from '@isola/core'
import { IsolaError, type LauncherOperation, type LauncherRequest, type LauncherResult } from '@isola/protocol'
import { forgetExitFact, takeExitFacts } from './exit-facts.host.ts'
import { type GuestBinaries, launcherToStart } from './guest-binaries.host.ts'
import { type ExitFact, greetLauncher, isGenerationFit, type LauncherLink } from './launcher-link.ts'
import { startLauncher } from './start-launcher.host.ts'
import { connectUnix } from './unix-channel.host.ts'

const START_TIMEOUT_MS = 30_000
/** One that falls over at once is not started again until somebody needs it. */
const SHORTEST_LIFE_MS = 1000
const NOBODY_THERE: ReadonlySet<string> = new Set(['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE'])

/** Doing these twice is the same as doing them once, so a launcher that dies under them is simply asked anew. */
const REPEATABLE: ReadonlySet<LauncherOperation> = new Set([
  'probe',
  'limits',
  'network',
  'freeze',
  'thaw',
  'stats',
  'destroy',
  'list',
  'maskscan',
])

export interface LauncherOptions {
  /** Absolute; holds the launcher's socket. */
  readonly stateDirectory: string
  readonly findBinaries: () => GuestBinaries
  readonly journal: Journal
  readonly onExit: (fact: ExitFact) => void
}

/**
 * The launcher of one state directory: found alive or started, and started anew when it died.
 * Sandboxes do not depend on it being there.
 */
export class Launcher {
  readonly #options: LauncherOptions
  #link: Promise<LauncherLink> | undefined
  #isClosed = false
  #isRenewing = false

  constructor(options: LauncherOptions) {
    this.#options = options
  }

  async call<Op extends LauncherOperation>(
    op: Op,
    request: LauncherRequest<Op>,
    operation: Operation,
  ): Promise<LauncherResult<Op>> {
    const link = await operation.race(this.#open())
    try {
      return await link.call(op, request, operation)
    } catch (error) {
      const isLost = link.frames.closedWith !== undefined && !this.#isClosed
      if (!isLost || !REPEATABLE.has(op)) throw error
      operation.log(`the launcher went away during ${op}; asking again`)
      return (await operation.race(this.#open())).call(op, request, operation)
    }
  }

  /** Lets the next call meet a launcher that was started since: what this one may do was settled when it began. */
  async renew(operation: Operation): Promise<void> {
    const link = await this.#link?.catch(() => undefined)
    if (link === undefined) return
    this.#isRenewing = true
    try {
      await this.#retire(link, operation)
    } finally {
      this.#isRenewing = false
    }
  }

  /** Asks the launcher to end; living sandboxes would live on. */
  async shutDown(operation: Operation): Promise<void> {
    this.#isClosed = true
    const link = await this.#link
    if (link !== undefined) await this.#retire(link, operation)
  }

  /** Lets go of the launcher, which goes on living. */
  async close(): Promise<void> {
    this.#isClosed = true
    const link = await this.#link?.catch(() => undefined)
    link?.frames.close(new IsolaError('server.closing', 'the server let go of the launcher'))
  }

  /** True when there is a connection now. */
  get isOpen(): boolean {
    return this.#link !== undefined
  }

  #open(): Promise<LauncherLink> {
    if (this.#isClosed) return Promise.reject(new IsolaError('server.closing', 'the driver is closed'))
    if (this.#link !== undefined) return this.#link
    const opening = this.#connectOrStart()
    this.#link = opening
    const forget = (): void => {
      if (this.#link === opening) this.#link = undefined
    }
    opening.then(({ frames, hello }) => {
      const openedAtMs = performance.now()
      frames.onClose((error) => {
        forget()
        const isUnforeseen = !this.#isClosed && !this.#isRenewing
        if (isUnforeseen && performance.now() - openedAtMs > SHORTEST_LIFE_MS) this.#comeBack(hello.pid, error)
      })
    }, forget)
    return opening
  }

  /** Somebody must hear when a sandbox ends, so a new launcher is started at once, not at the next request. */
  #comeBack(pid: number, error: IsolaError): void {
    this.#options.journal.warn('lost the launcher, starting another', { pid, error })
    this.#open().catch((failure: unknown) => {
      if (!this.#isClosed) this.#options.journal.warn('could not start another launcher', { error: failure })
    })
  }

  async #connectOrStart(): Promise<LauncherLink> {
    const operation = new Operation('start the launcher', { timeoutMs: START_TIMEOUT_MS })
    const living = await this.#connect(operation)
    if (living !== undefined) return this.#welcome(living)
    const { stateDirectory } = this.#options
    const binaries = this.#options.findBinaries()
    const outcome = await startLauncher(launcherToStart(binaries), binaries.agent, stateDirectory, operation)
    operation.log(`the launcher is ${outcome}`)
    const link = outcome === 'ready' ? await this.#connect(operation) : await this.#connectWhenThere(operation)
    if (link === undefined) {
      throw new IsolaError('host.launcher_failed', `the launcher of ${stateDirectory} was started and does not answer`)
    }
    return this.#welcome(link)
  }

  /** Undefined when nobody listens, when who listens is just going, or is too old and was asked to leave. */
  async #connect(operation: Operation): Promise<LauncherLink | undefined> {
    const channel = await connectUnix(this.#socket, operation).catch((error: NodeJS.ErrnoException) => {
      if (NOBODY_THERE.has(error.code ?? '')) return undefined
      throw new IsolaError('host.launcher_failed', `could not connect to ${this.#socket}: ${error.message}`, {
        cause: error,
      })
    })
    if (channel === undefined) return undefined
    const link = await this.#greet(channel, operation)
    if (link === undefined || isGenerationFit(link.hello)) return link
    await this.#retire(link, operation)
    return undefined
  }

  /** One that goes in the middle of the greeting is as good as not there. */
  async #greet(channel: ByteChannel, operation: Operation): Promise<LauncherLink | undefined> {
    try {
      return await greetLauncher(channel, randomInt(1, 2 ** 32 - 1), (fact) => this.#onExit(fact), operation)
    } catch (error) {
      operation.check()
      this.#options.journal.warn('a launcher did not greet back', { error })
      return undefined
    }
  }

  /** The end of the connection is the sign that it has left. */
  async #retire(link: LauncherLink, operation: Operation): Promise<void> {
    this.#options.journal.info('asked the launcher to leave', { pid: link.hello.pid, version: link.hello.version })
    const gone = new Promise<void>((resolve) => link.frames.onClose(() => resolve()))
    link.call('shutdown', {}, operation).catch(() => {})
    await operation.race(gone)
  }

  /** Another server starts a launcher at this very moment: its socket is about to appear. */
  async #connectWhenThere(operation: Operation): Promise<LauncherLink | undefined> {
    const watcher = watch(this.#options.stateDirectory)
    try {
      for (;;) {
        const changed = new Promise<void>((resolve) => watcher.once('change', () => resolve()))
        const link = await this.#connect(operation)
        if (link !== undefined) return link
        await operation.race(changed)
      }
    } finally {
      watcher.close()
    }
  }

  async #welcome(link: LauncherLink): Promise<LauncherLink> {
    for (const fact of await takeExitFacts(this.#options.stateDirectory)) this.#options.onExit(fact)
    return link
  }

  #onExit(fact: ExitFact): void {
    this.#options.onExit(fact)
    forgetExitFact(this.#options.stateDirectory, fact.sandboxId).catch((error: unknown) =>
      this.#options.journal.warn('could not remove a written exit', { sandboxId: fact.sandboxId, error }),
    )
  }

  get #socket(): string {
    return path.join(this.#options.stateDirectory, 'launcher.sock')
  }
}
