// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises'
import type { CpuGroup } from '../host/cpu-group.host.ts'

/** Moving a process between cgroups waits for a grace period of the kernel: nobody may start inside another's. */
export const SETTLE_MS = 50
const STEP_MS = 10
const STILL_MS_PER_STEP = 0.3
const LONGEST_MS = 1000

/** Waits until what an operation left to be done later (teardown, refilling a pool) is over. */
export async function settle(cpu: CpuGroup | null): Promise<void> {
  await sleep(SETTLE_MS)
  if (cpu === null) return
  let before = cpu.usedMs()
  for (let waitedMs = 0; waitedMs < LONGEST_MS; waitedMs += STEP_MS) {
    await sleep(STEP_MS)
    const now = cpu.usedMs()
    if (now - before < STILL_MS_PER_STEP) return
    before = now
  }
}
