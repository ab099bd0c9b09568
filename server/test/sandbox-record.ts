// SPDX-License-Identifier: Apache-2.0
export { sandboxRecord } from '../../core/test/sandbox-record.ts'
