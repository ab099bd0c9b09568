// SPDX-License-Identifier: Apache-2.0
import { createHmac, randomBytes } from 'node:crypto'
import type { Clock, Random } from '@isola/core'

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs).unref()
    return () => clearTimeout(timer)
  },
}

export const systemRandom: Random = {
  bytes: (size) => randomBytes(size),
  hmacSha256: (key, message) => createHmac('sha256', key).update(message).digest(),
}
