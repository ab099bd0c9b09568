// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '@isola/core'
import type { Activity } from './activity.ts'

export interface IdleExitDeps {
  readonly activity: Activity
  readonly clock: Clock
  readonly idleMs: number
  /** Sandboxes that live now: while there are any, the server has a reason to. */
  livingCount(): number
  exit(): void
}

/** Ends a server that nobody asked for by name: no sandbox, and no request for `idleMs`. */
export function exitWhenIdle({ activity, clock, idleMs, livingCount, exit }: IdleExitDeps): void {
  let quietSinceMs = clock.nowMs()
  let cancel: () => void = () => {}
  const watch = (delayMs: number): void => {
    cancel()
    cancel = clock.after(delayMs, look)
  }
  const look = (): void => {
    if (activity.inFlight > 0 || activity.isClosing) return
    const leftMs = quietSinceMs + idleMs - clock.nowMs()
    if (leftMs > 0) watch(leftMs)
    // Sandboxes can end without a request, so they are looked at again.
    else if (livingCount() > 0) watch(idleMs)
    else exit()
  }
  activity.onQuiet(() => {
    quietSinceMs = clock.nowMs()
    watch(idleMs)
  })
  watch(idleMs)
}
