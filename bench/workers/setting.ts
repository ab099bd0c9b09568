// SPDX-License-Identifier: Apache-2.0

/** What the benchmark told this worker through its environment. */
export function setting(name: 'OPERATION' | 'POOL' | 'CONNECTION' | 'IN_ROW' | 'STATE' | 'SERVER'): string {
  const value = process.env[`ISOLA_BENCH_${name}`]
  if (value === undefined) throw new Error(`ISOLA_BENCH_${name} is not set`)
  return value
}
