// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, inject, type TestContext, test } from 'vitest'
import { CommandLine } from '../support/command-line.ts'
import { ACCOUNTS, type DriverName, obstacleOf } from '../support/driver-cells.ts'
import { World } from '../support/world.ts'

export interface Visit {
  readonly driver: DriverName
  /** The command line of this account, with one server for the whole file. */
  readonly line: CommandLine
  /** What the host can do for this account. */
  readonly world: World
  test(name: string, body: (context: TestContext) => Promise<void>, timeoutMs?: number): void
}

/** Defines the same tests for root and for an ordinary user. */
export function onEachAccount(define: (visit: Visit) => void): void {
  for (const driver of ACCOUNTS) {
    const account = driver === 'namespace-root' ? 'root' : 'an ordinary user'
    describe(`as ${account}`, () => {
      const obstacle = obstacleOf(driver)
      const world = new World(driver, inject('servers')[driver])
      let line: CommandLine
      beforeAll(() => {
        if (obstacle === undefined) line = new CommandLine(driver)
      })
      afterAll(async () => {
        if (obstacle === undefined) await line.end()
      }, 60_000)
      define({
        driver,
        world,
        get line() {
          return line
        },
        test(name, body, timeoutMs = 60_000) {
          test(name, { timeout: timeoutMs }, async (context) => {
            if (obstacle !== undefined) context.skip(`${driver}: ${obstacle}`)
            const { unavailable } = await world.capabilities()
            if (unavailable !== null) context.skip(`${driver}: ${unavailable}`)
            await body(context)
          })
        },
      })
    })
  }
}
