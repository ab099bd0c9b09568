// SPDX-License-Identifier: Apache-2.0
import { type Account, isRoot, ordinaryAccount, rootAccount } from './account.ts'
import { RangeAccount, rangeObstacle } from './range-account.ts'

/** The columns of the suites: each driver, in each way in which it can be run. */
export const DRIVERS = ['namespace-root', 'namespace-rootless', 'namespace-rootless-range'] as const
export type DriverName = (typeof DRIVERS)[number]

/** Those that the whole command line is tried with; to it a range of ids makes no difference. */
export const ACCOUNTS = ['namespace-root', 'namespace-rootless'] as const

/** The place that it is given to lets go of it at its end. */
export function accountOf(driver: DriverName): Account {
  if (driver === 'namespace-root') return rootAccount
  return driver === 'namespace-rootless' ? ordinaryAccount : new RangeAccount()
}

/** Why this column cannot be tried by whoever runs the tests, if so. */
export function obstacleOf(driver: DriverName): string | undefined {
  if (driver === 'namespace-rootless-range') return rangeObstacle()
  return driver === 'namespace-root' && !isRoot ? 'needs root' : undefined
}
