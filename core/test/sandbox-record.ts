// SPDX-License-Identifier: Apache-2.0
import type { SandboxRecord } from '../src/index.ts'

let made = 0

/** A running sandbox, one second younger than the one before. */
export function sandboxRecord(change: Partial<SandboxRecord> = {}): SandboxRecord {
  made += 1
  const createdAt = new Date(Date.UTC(2026, 0, 1) + made * 1000).toISOString()
  const id = `sb${String(made).padStart(18, '0')}`
  return {
    id,
    name: null,
    state: 'running',
    desiredState: 'running',
    template: 'host',
    driver: 'fake',
    isolation: 'none',
    labels: {},
    resources: {},
    env: {},
    workdir: '/home/user',
    ephemeral: false,
    network: 'none',
    keyHex: '5ec2e7'.repeat(10),
    ref: { sandboxId: id, users: 'range', secretDetail: 'of the driver' },
    runId: `rn${String(made).padStart(18, '0')}`,
    runStartedAt: createdAt,
    createdAt,
    transitions: [{ at: createdAt, from: null, to: 'creating', reason: 'asked for' }],
    ...change,
  }
}
