// SPDX-License-Identifier: Apache-2.0
import { Operation } from '@isola/core'

const LAUNCHER_TIMINGS = /^the launcher prepared it: (\{.*\})$/

export interface Steps {
  mark(name: string): void
  /** Milliseconds of each step; those within the launcher are called `launcher:` and lie inside `prepared a blank`. */
  since(begin: number): Record<string, number>
}

let current: { name: string; at: number }[] = []
const log = Operation.prototype.log
Operation.prototype.log = function (message) {
  current.push({ name: message, at: performance.now() })
  log.call(this, message)
}

/** Every operation logs what it has done; from here on the times of these lines are kept. */
export function recordSteps(): Steps {
  const marks: typeof current = []
  current = marks
  return {
    mark: (name) => void marks.push({ name, at: performance.now() }),
    since(begin) {
      current = []
      return stepTimes(marks, begin)
    },
  }
}

export function stepTimes(marks: readonly { name: string; at: number }[], begin: number): Record<string, number> {
  const times: Record<string, number> = {}
  let last = begin
  for (const { name, at } of marks) {
    const timings = LAUNCHER_TIMINGS.exec(name)?.[1]
    if (timings === undefined) {
      times[name] = (times[name] ?? 0) + at - last
      last = at
    } else {
      for (const [part, us] of Object.entries(JSON.parse(timings) as Record<string, number>))
        times[`launcher: ${part}`] = us / 1000
    }
  }
  return times
}
