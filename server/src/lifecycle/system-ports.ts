// SPDX-License-Identifier: Apache-2.0
import { createHmac, randomBytes } from 'node:crypto'
import type { Clock, Random } from '@isola/core'

const STOCK_BYTES = 4096
let stock = Buffer.alloc(0)

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs).unref()
    return () => clearTimeout(timer)
  },
}

export const systemRandom: Random = {
  bytes: randomFromStock,
  hmacSha256: (key, message) => createHmac('sha256', key).update(message).digest(),
}

/** One call to the system costs as much as a small request, so many bytes are fetched at once; none is handed out twice. */
function randomFromStock(size: number): Uint8Array {
  if (size > STOCK_BYTES) return randomBytes(size)
  if (stock.length < size) stock = randomBytes(STOCK_BYTES)
  const taken = Uint8Array.from(stock.subarray(0, size))
  stock.fill(0, 0, size)
  stock = stock.subarray(size)
  return taken
}
