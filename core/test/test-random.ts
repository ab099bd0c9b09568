// SPDX-License-Identifier: Apache-2.0
import { createHmac, randomBytes } from 'node:crypto'
import type { Random } from '../src/index.ts'

export const testRandom: Random = {
  bytes: (size) => new Uint8Array(randomBytes(size)),
  hmacSha256: (key, message) => new Uint8Array(createHmac('sha256', key).update(message).digest()),
}
