// SPDX-License-Identifier: Apache-2.0
import { dirname } from 'node:path'
import { mayShow } from './safe-prefix.ts'

/** Where a sandbox finds the node that runs the server, when the host has none that everybody sees. */
export const PINNED_NODE = '/opt/isola/node'

/** A part of the host that sandboxes see, read-only. */
export interface Bind {
  readonly source: string
  readonly target: string
  readonly isFile?: true
}

/**
 * The installation that this node belongs to, with npm; or the program alone, where the directory is
 * more than an installation: with `~/bin/node` it would be the home.
 *
 * @param keepOut homes and the state directory, free of links.
 */
export function pinnedNode(program: string, keepOut: readonly string[]): Bind {
  const prefix = dirname(dirname(program))
  if (mayShow(prefix, keepOut)) return { source: prefix, target: PINNED_NODE }
  return { source: program, target: `${PINNED_NODE}/bin/node`, isFile: true }
}
