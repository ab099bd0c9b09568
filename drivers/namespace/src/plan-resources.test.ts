// SPDX-License-Identifier: Apache-2.0
import { IsolaError } from '@isola/protocol'
import { describe, expect, test } from 'vitest'
import { ROOTLESS, STRONG } from '../test/probe-results.ts'
import { planResources, sharesOf } from './plan-resources.ts'

const DEFAULTS = { pids: 4096, openFiles: 20_000 }
const SHARES = sharesOf(8192, 100_000)
const strong = { capabilities: STRONG, checks: [], openFilesMax: 1_048_576, shares: SHARES }
const NO_MEMORY = {
  id: 'cgroup-memory',
  ok: false,
  detail: 'no cgroup is delegated to this user',
  hint: 'delegate one with systemd',
}
const rootless = { capabilities: ROOTLESS, checks: [NO_MEMORY], openFilesMax: 4096, shares: SHARES }

const refusal = (run: () => unknown): IsolaError => {
  try {
    run()
  } catch (error) {
    if (IsolaError.is(error)) return error
  }
  throw new Error('it was not refused')
}

describe('planning resources', () => {
  test('nothing asked for: the defaults and a share of the host', () => {
    expect(planResources({}, DEFAULTS, strong)).toEqual({ ...DEFAULTS, memoryMib: 4096, diskMib: 24_832 })
  })

  test('what is asked for stands, also above the share', () => {
    expect(planResources({ memoryMib: 6000, pids: 5 }, DEFAULTS, strong)).toEqual({
      memoryMib: 6000,
      diskMib: 24_832,
      pids: 5,
      openFiles: 20_000,
    })
  })

  test('a small host still gives a sandbox room to start', () => {
    expect(sharesOf(300, 100)).toEqual({ memoryMib: 256, diskMib: 256 })
  })

  test('a default that the host cannot hold is lowered or left out', () => {
    expect(planResources({}, DEFAULTS, rootless)).toEqual({ pids: 4096, openFiles: 4096 })
    const none = { ...rootless, capabilities: { ...ROOTLESS, limits: { ...ROOTLESS.limits, pids: 'none' as const } } }
    expect(planResources({}, DEFAULTS, none)).toEqual({ openFiles: 4096 })
  })

  test('a limit that cannot hold is refused with the reason and the fix, never ignored', () => {
    const error = refusal(() => planResources({ memoryMib: 64 }, DEFAULTS, rootless))
    expect(error).toMatchObject({
      code: 'limit.unenforceable',
      hint: 'delegate one with systemd',
      context: { limit: 'memoryMib', value: 64, check: 'cgroup-memory' },
    })
    expect(error.message).toContain('no cgroup is delegated to this user')
  })

  test('processes counted per user id are no limit where root inside may become other users', () => {
    const checks = [{ ...NO_MEMORY, id: 'cgroup-pids' }]
    const range = { ...rootless, checks, capabilities: { ...ROOTLESS, userns: 'range' as const } }
    expect(planResources({}, DEFAULTS, range)).toEqual({ openFiles: 4096 })
    const error = refusal(() => planResources({ pids: 64 }, DEFAULTS, range))
    expect(error).toMatchObject({
      code: 'limit.unenforceable',
      hint: 'delegate one with systemd',
      context: { value: 64 },
    })
    expect(error.message).toContain('no cgroup is delegated to this user; a limit per user id')
    expect(planResources({ pids: 64 }, DEFAULTS, rootless).pids).toBe(64)
    expect(planResources({ pids: 64 }, DEFAULTS, { ...strong, checks }).pids).toBe(64)
  })

  test.each([{ cpus: 1 }, { diskMib: 10 }])('%o without a reason of the probe has a reason all the same', (asked) => {
    expect(refusal(() => planResources(asked, DEFAULTS, rootless)).code).toBe('limit.unenforceable')
  })

  test('more open files than the host allows are refused', () => {
    const error = refusal(() => planResources({ openFiles: 5000 }, DEFAULTS, rootless))
    expect(error.message).toContain('4096')
    expect(planResources({ openFiles: 4096 }, DEFAULTS, rootless).openFiles).toBe(4096)
  })
})
