// SPDX-License-Identifier: Apache-2.0
import type { Driver } from '@isola/core'
import { IsolaError } from '@isola/protocol'

/** A driver of a host that can do nothing; what is alive on it is up to the test. */
export function fakeDriver(alive: readonly string[] = [], change: Partial<Driver> = {}): Driver {
  const cannot = (): never => {
    throw new IsolaError('driver.unavailable', 'the fake driver makes no sandboxes')
  }
  return {
    name: 'fake',
    probe: async () => ({ available: false, isolation: 'none', checks: [], capabilities: null }),
    planResources: cannot,
    resolveTemplate: async () => cannot(),
    prepare: async () => cannot(),
    personalise: async () => cannot(),
    connect: async () => cannot(),
    freeze: async () => cannot(),
    thaw: async () => cannot(),
    stats: async () => cannot(),
    destroy: async () => {},
    list: async () => new Map(alive.map((id) => [id, { alive: true }])),
    onExit: () => {},
    fix: async () => [{ id: 'fake-fix', applied: false, detail: 'nothing to repair' }],
    close: async () => {},
    ...change,
  }
}
