// SPDX-License-Identifier: Apache-2.0
// npm run check:bite: plants a violation for each tool of `npm run check` in a copy of the tree.
import { bite } from './check/bite.ts'

process.exitCode = (await bite()) ? 0 : 1
