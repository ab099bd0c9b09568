// SPDX-License-Identifier: Apache-2.0
import type { Resources } from '@isola/protocol'

/**
 * What holds when the caller says nothing: enough for any build, too little for a fork bomb to
 * reach the host. A driver adds its host's share of memory and disk; the processor is shared fairly.
 */
export const DEFAULT_RESOURCES = { pids: 4096, openFiles: 20_000 } as const satisfies Resources
