// SPDX-License-Identifier: Apache-2.0
import { CreateSandbox, type CreateSandboxParsed } from '@isola/protocol'
import { createSandboxService, Operation, type SandboxDomain, type SandboxServiceDeps } from '../src/index.ts'
import { FakeDriver } from './fake-driver.ts'
import { ManualClock } from './manual-clock.ts'
import { MemoryStore } from './memory-store.ts'
import { testRandom } from './test-random.ts'

export interface TestDomain {
  readonly domain: SandboxDomain
  readonly driver: FakeDriver
  readonly store: MemoryStore
  readonly clock: ManualClock
  readonly journal: string[]
}

/** The whole domain over fakes. Pass the driver and store of an earlier one to play a restart. */
export function testDomain(
  options: Partial<SandboxServiceDeps> & { driver?: FakeDriver; memory?: MemoryStore } = {},
): TestDomain {
  const driver = options.driver ?? new FakeDriver()
  const store = options.memory ?? new MemoryStore()
  const clock = new ManualClock()
  const journal: string[] = []
  const note = (message: string): void => void journal.push(message)
  const { driver: _, memory: __, ...rest } = options
  const deps = {
    drivers: [driver],
    store,
    clock,
    random: testRandom,
    journal: { info: note, warn: note },
    poolSize: 0,
    ...rest,
  }
  return { domain: createSandboxService(deps), driver, store, clock, journal }
}

export function createRequest(change: Record<string, unknown> = {}): CreateSandboxParsed {
  return CreateSandbox.parse(change)
}

export function operation(options: ConstructorParameters<typeof Operation>[1] = { timeoutMs: 5000 }): Operation {
  return new Operation('test', options)
}
