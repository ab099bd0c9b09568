// SPDX-License-Identifier: Apache-2.0
import { files } from './requirements/files.ts'
import { host } from './requirements/host.ts'
import { lifecycle } from './requirements/lifecycle.ts'
import { processes } from './requirements/processes.ts'
import type { Requirement } from './requirements/requirement.ts'
import { streams } from './requirements/streams.ts'

/** Everything that a sandbox promises, by id; each is tried on every driver. */
export const requirements = { ...lifecycle, ...processes, ...streams, ...files, ...host } as const satisfies Record<
  string,
  Requirement
>

export type RequirementId = keyof typeof requirements
