// SPDX-License-Identifier: Apache-2.0
import type { Requirement } from './requirement.ts'

const source = 'protocol/src/sandbox.ts'

export const lifecycle = {
  'lifecycle.create': { sentence: 'a created sandbox runs and says what it is', source },
  'lifecycle.isolation-class': { sentence: 'a sandbox names the isolation that it was really given', source },
  'lifecycle.get': { sentence: 'a sandbox is found by id and by name', source },
  'lifecycle.list': { sentence: 'a living sandbox is listed, by state, name and label, page by page', source },
  'lifecycle.name-unique': { sentence: 'a name belongs to one living sandbox and is free again after it', source },
  'lifecycle.template-unknown': {
    sentence: 'an unknown template is refused and nothing is left of the attempt',
    source,
  },
  'lifecycle.driver-unknown': { sentence: 'an unknown driver is refused', source },
  'lifecycle.idempotent-create': {
    sentence: 'the same idempotency key creates one sandbox, another request with it is refused',
    source: 'protocol/src/rest/routes.ts',
  },
  'lifecycle.env': { sentence: 'every process has the environment of its sandbox', source },
  'lifecycle.workdir': {
    sentence: 'processes and relative paths start in the working directory of the sandbox',
    source,
  },
  'lifecycle.fresh': {
    sentence: 'a sandbox sees nothing of another one, and the next one nothing of the last',
    source,
  },
  'lifecycle.many': { sentence: 'sandboxes that are created at once all run', source },
  'lifecycle.destroy': {
    sentence: 'destroying a sandbox ends every process in it and leaves nothing on the host',
    source: 'core/src/driver/driver.ts',
  },
  'lifecycle.destroy-twice': { sentence: 'a destroyed sandbox is not found any more', source },
  'lifecycle.ephemeral': { sentence: 'an ephemeral sandbox ends with the process stream that claims it', source },
  'lifecycle.disconnect': {
    sentence: 'a process ends when the connection that started it is lost',
    source: 'protocol/src/process.ts',
  },
} as const satisfies Record<string, Requirement>
