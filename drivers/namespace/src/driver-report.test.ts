// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest'
import { probeResult, ROOTLESS, STRONG } from '../test/probe-results.ts'
import { driverReport } from './driver-report.ts'

describe('the verdict on this host', () => {
  test('names what was really given', () => {
    expect(driverReport(probeResult(STRONG))).toMatchObject({
      available: true,
      isolation: 'namespace (root, cgroup v1, users range, layer cow)',
    })
    expect(driverReport(probeResult(ROOTLESS)).isolation).toBe(
      'namespace (rootless, no cgroup, users single, layer copy)',
    )
  })

  test('is no when something essential is missing, which comes first', () => {
    const report = driverReport(probeResult(STRONG, [{ id: 'overlay', ok: false, detail: 'EINVAL' }]))
    expect(report.available).toBe(false)
    expect(report.checks[0]?.id).toBe('overlay')
  })

  test('is yes when only limits are missing', () => {
    expect(driverReport(probeResult(ROOTLESS, [{ id: 'cgroup-memory', ok: false, detail: 'none' }])).available).toBe(
      true,
    )
  })
})
