// SPDX-License-Identifier: Apache-2.0
import { launcherOperations } from '@isola/protocol'
import { describe, expect, test } from 'vitest'
import { changedLimits, fileOwners, launcherLimits, prepareRequest } from './plan.ts'

const TEMPLATE = {
  fingerprint: '1',
  rootfs: {
    root: { lowers: ['/state/templates/host-1/skeleton'] },
    usr: { lowers: ['/state/templates/host-1/usr-mask', '/usr'] },
    binds: [{ source: '/opt/node', target: '/opt/node', readonly: true }],
  },
  env: { PATH: '/usr/bin' },
  workdir: '/home/user',
}
const BLANK = { sandboxId: 'sb0123456789abcdefgh', keyHex: '11'.repeat(32), template: 'host', volatile: false }

describe('what the launcher is asked to prepare', () => {
  test('a blank with the default limits', () => {
    const request = prepareRequest({ ...BLANK, resources: { pids: 4096, openFiles: 20_000 } }, TEMPLATE)
    expect(request).toEqual({
      sandboxId: 'sb0123456789abcdefgh',
      keyHex: '11'.repeat(32),
      rootfs: { ...TEMPLATE.rootfs, volatile: false },
      limits: { pids: 4096 },
    })
    expect(launcherOperations.prepare.request.parse(request)).toEqual(request)
  })

  test('a one-shot sandbox with every limit', () => {
    const resources = { cpus: 0.5, memoryMib: 64, diskMib: 100, pids: 32, openFiles: 100 }
    const request = prepareRequest({ ...BLANK, volatile: true, resources }, TEMPLATE)
    expect(request.rootfs.volatile).toBe(true)
    expect(request.limits).toEqual({ cpuMillis: 500, memoryBytes: 67_108_864, diskBytes: 104_857_600, pids: 32 })
    expect(launcherOperations.prepare.request.parse(request)).toEqual(request)
  })

  test('nothing of what the caller calls its sandbox, or runs in it, reaches the launcher', () => {
    const request = prepareRequest({ ...BLANK, resources: {} }, TEMPLATE)
    expect(Object.keys(request).sort()).toEqual(['keyHex', 'limits', 'rootfs', 'sandboxId'])
  })
})

describe('limits', () => {
  test('a sliver of a core is never no core', () => {
    expect(launcherLimits({ cpus: 0.0001 })).toEqual({ cpuMillis: 1 })
  })

  test('are set anew only when they differ from those of the blank', () => {
    const blank = launcherLimits({ pids: 4096 })
    expect(changedLimits(blank, launcherLimits({ pids: 4096, openFiles: 5 }))).toBeUndefined()
    expect(changedLimits(blank, launcherLimits({ pids: 10 }))).toEqual({ pids: 10 })
    expect(changedLimits(blank, launcherLimits({ pids: 4096, memoryMib: 1 }))).toEqual({
      pids: 4096,
      memoryBytes: 1_048_576,
    })
  })
})

test('files of a template belong to whom they do on disk only where the launcher maps ids', () => {
  expect(fileOwners({ rootless: false, userns: 'range' })).toBe('as-on-disk')
  expect(fileOwners({ rootless: true, userns: 'range' })).toBe('root')
  expect(fileOwners({ rootless: true, userns: 'single' })).toBe('user')
})
