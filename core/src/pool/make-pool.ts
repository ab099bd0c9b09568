// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../agent-link/hex.ts'
import { Cleanup } from '../operation/cleanup.ts'
import { IsolaError } from '@isola/protocol'
import type { Operation } from '../operation/operation.ts'
import { chooseDriver, driverNamed } from '../sandbox/choose-driver.ts'
import { DEFAULT_RESOURCES } from '../sandbox/default-resources.ts'
import type { DomainParts } from '../sandbox/domain-parts.ts'
import type { Blank } from './blank.ts'
import { makeBlank } from './make-blank.ts'
import { ReadyPool } from './ready-pool.ts'

const DEFAULT_TEMPLATE = 'host'

/** A pool of blanks of the default template with the default resources, on the best driver. */
export function makePool(parts: Omit<DomainParts, 'pool'>): ReadyPool {
  const { deps } = parts
  return new ReadyPool({
    size: deps.poolSize,
    clock: deps.clock,
    journal: deps.journal,
    make: (operation) => makePooledBlank(parts, operation),
    discard: async (blank) => {
      blank.link.frames.close(new IsolaError('sandbox.gone', `the blank ${blank.id} is not needed any more`))
      await parts.remove(driverNamed(deps.drivers, blank.driver), blank.id)
    },
  })
}

async function makePooledBlank(parts: Omit<DomainParts, 'pool'>, operation: Operation): Promise<Blank> {
  const { driver } = await chooseDriver(parts.deps.drivers, undefined, operation)
  const template = await operation.race(driver.resolveTemplate(DEFAULT_TEMPLATE, operation))
  const cleanup = new Cleanup()
  try {
    const spec = {
      sandboxId: parts.newSandboxId(),
      keyHex: toHex(parts.deps.random.bytes(32)),
      template: DEFAULT_TEMPLATE,
      resources: driver.planResources({}, DEFAULT_RESOURCES),
      // It may become a sandbox that is kept.
      volatile: false,
    }
    return await makeBlank(parts.blankMaker(driver), spec, template, operation, cleanup)
  } catch (error) {
    await cleanup.run()
    throw error
  }
}
