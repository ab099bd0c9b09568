// SPDX-License-Identifier: Apache-2.0

const MIB = 1024 * 1024

/** Touches memory until the process is this big; what is returned must be kept. */
export function residentToAtLeast(mib: number): Buffer[] {
  const kept: Buffer[] = []
  while (process.memoryUsage.rss() < mib * MIB) kept.push(Buffer.alloc(MIB, kept.length + 1))
  return kept
}
