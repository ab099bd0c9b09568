// SPDX-License-Identifier: Apache-2.0
import { IsolaError, type Network } from '@isola/protocol'
import type { ChosenDriver } from './choose-driver.ts'
import type { DomainParts } from './domain-parts.ts'

/** A network that cannot be controlled is refused before anything is made, never left open or closed in silence. */
export function requireEgress(parts: DomainParts, { driver, report }: ChosenDriver, network: Network): void {
  if (network === 'none') return
  if (driver.egress !== undefined && parts.deps.egress !== undefined && report.capabilities?.egress === true) return
  const check = report.checks.find(({ id }) => id === 'egress')
  const why = check === undefined || check.ok ? '' : `: ${check.detail}`
  throw new IsolaError('driver.unsupported', `the driver ${driver.name} cannot control what leaves a sandbox${why}`, {
    ...(check?.hint == null ? {} : { hint: check.hint }),
  })
}
