// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'vitest'
import { readableCheckout } from './account.ts'
import { programsIn } from './checkout.ts'
import { accountOf, type DriverName } from './driver-cells.ts'
import { endPlace } from './end-place.ts'
import { eventually } from './eventually.ts'
import { Place } from './isola-server.ts'
import { type HostOptions, type HostResult, onHost } from './on-host.ts'

/** The command line as somebody would use it, in a place of its own, with the server that it starts by itself. */
export class CommandLine {
  readonly place: Place

  constructor(driver: DriverName, place = new Place(accountOf(driver))) {
    this.place = place
  }

  async isola(args: readonly string[], options: HostOptions = {}): Promise<HostResult> {
    return onHost(await this.argv(args), { cwd: '/', ...options, env: { ...this.place.env, ...options.env } })
  }

  /** Everything to put on the command line of a shell. */
  async argv(args: readonly string[]): Promise<string[]> {
    const { node, isola } = programsIn(await readableCheckout())
    return [...this.place.prefix, node, isola, ...args]
  }

  get serverPid(): number | undefined {
    const file = path.join(this.place.stateDirectory, 'isolad.pid')
    return existsSync(file) ? Number(readFileSync(file, 'utf8')) : undefined
  }

  /** Ends the server as an init system would; nothing may be left of it then. */
  async end(beforeTheCheck: () => Promise<unknown> = async () => undefined): Promise<void> {
    if (this.serverPid !== undefined && existsSync(`/proc/${this.serverPid}`)) {
      const pid = this.serverPid
      process.kill(pid, 'SIGTERM')
      await eventually(
        () => existsSync(`/proc/${pid}`),
        (alive) => !alive,
      )
    }
    await beforeTheCheck()
    expect(await endPlace(this.place)).toEqual([])
  }
}

/** Bad input is told in one line with a hint, with the right exit code, and without a stack. */
export function expectFailure(result: HostResult, exitCode: number, message: RegExp): void {
  expect(result.stderr).toMatch(/^isola: [^\n]+\nhint: [^\n]+\n$/)
  expect(result.stderr).toMatch(message)
  expect(result.stderr).not.toMatch(/\n\s+at |Error:|node:internal/)
  expect({ exitCode: result.exitCode, stdout: result.stdout }).toEqual({ exitCode, stdout: '' })
}
