// SPDX-License-Identifier: Apache-2.0
import type { Personality } from '@isola/protocol'
import { toHex } from '../agent-link/hex.ts'
import type { SandboxRef } from '../driver/driver.ts'
import type { Random } from '../ports/random.ts'
import type { SandboxRecord } from '../ports/store.ts'
import type { TemplateDefaults } from '../ports/template-source.ts'
import { DEFAULT_RESOURCES } from './default-resources.ts'

/** Everything that makes a blank somebody's. Identity and seed are drawn anew, so no two sandboxes share them. */
export function personalityOf(
  record: SandboxRecord,
  ref: SandboxRef,
  template: TemplateDefaults,
  pidsByRlimit: boolean,
  random: Random,
): Personality {
  const { openFiles, pids } = record.resources
  return {
    hostname: record.name ?? record.id,
    machineIdHex: toHex(random.bytes(16)),
    env: { ...template.env, ...record.env },
    workdir: record.workdir,
    user: 'user',
    sudo: ref.users === 'range',
    users: ref.users,
    seedHex: toHex(random.bytes(32)),
    clockMs: null,
    rlimits: {
      ...(openFiles === undefined ? {} : { openFiles }),
      // Also where it does not bind root inside, and so is no limit that is shown: it ends a runaway program of `user`.
      ...(pidsByRlimit ? { processes: pids ?? DEFAULT_RESOURCES.pids } : {}),
    },
  }
}
