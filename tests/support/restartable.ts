// SPDX-License-Identifier: Apache-2.0
import { accountOf, type DriverName } from './driver-cells.ts'
import { endPlace } from './end-place.ts'
import { IsolaServer, Place } from './isola-server.ts'
import { launcherPid } from './launcher.ts'
import { type CreateOptions, Subject } from './subject.ts'

/** An Isola of its own whose parts a test may kill. At the end nothing of it may be left. */
export class Restartable implements AsyncDisposable {
  readonly place: Place
  server: IsolaServer
  #hasEnded = false

  private constructor(place: Place, server: IsolaServer) {
    this.place = place
    this.server = server
  }

  static async start(driver: DriverName, args: readonly string[] = []): Promise<Restartable> {
    const place = new Place(accountOf(driver))
    const server = await IsolaServer.start(place, args)
    if (server.ready.event !== 'ready') throw new Error(JSON.stringify(server.ready))
    return new Restartable(place, server)
  }

  get connection(): { url: string } {
    return { url: `unix:${this.server.socketPath}` }
  }

  create(options: CreateOptions = {}): Promise<Subject> {
    return Subject.create(this.connection, options)
  }

  async killServer(): Promise<void> {
    await this.server.signal('SIGKILL')
  }

  async startServer(): Promise<void> {
    this.server = await IsolaServer.start(this.place)
    if (this.server.ready.event !== 'ready') throw new Error(JSON.stringify(this.server.ready))
  }

  killLauncher(): void {
    const pid = launcherPid(this.place.stateDirectory)
    if (pid === undefined) throw new Error('there is no launcher to kill')
    process.kill(pid, 'SIGKILL')
  }

  /** Ends everything; what is left then. */
  async end(): Promise<string[]> {
    this.#hasEnded = true
    const exit = await this.server.stop()
    const left = await endPlace(this.place)
    return exit === 0 ? left : [...left, `the server ended with ${exit} after SIGTERM`]
  }

  /** A test that failed half-way has its own reason; what it leaves is taken away without a word. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasEnded) await this.end()
  }
}
