// SPDX-License-Identifier: Apache-2.0
import { b1 } from './b1.ts'
import { b10 } from './b10.ts'
import { b13 } from './b13.ts'
import { b14 } from './b14.ts'
import { b2 } from './b2.ts'
import type { Row } from './row.ts'

/** In the order in which they are measured and shown. */
export const rows: readonly Row[] = [b1, b2, ...b10, b13, ...b14]
