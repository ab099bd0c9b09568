// SPDX-License-Identifier: Apache-2.0
import type { SandboxQuery } from '@isola/core'
import { IsolaError, type ListSandboxes } from '@isola/protocol'
import type * as z from 'zod'

const MAX_LABELS = 16
/** `<createdAt> <id>`, see positionAfter() of the store. */
const POSITION = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z sb[a-z0-9]{18}$/

/** The list request as the store understands it. */
export function sandboxQuery({ state, name, label, limit, cursor }: z.output<typeof ListSandboxes>): SandboxQuery {
  return {
    limit,
    ...(state === undefined ? {} : { state }),
    ...(name === undefined ? {} : { name }),
    ...(label === undefined ? {} : { labels: labelsOf([label].flat()) }),
    ...(cursor === undefined ? {} : { after: readCursor(cursor) }),
  }
}

/** Opaque to clients, so that what stands in it may change. */
export function writeCursor(position: string): string {
  return Buffer.from(position).toString('base64url')
}

function readCursor(cursor: string): string {
  const position = Buffer.from(cursor, 'base64url').toString()
  if (POSITION.test(position)) return position
  throw new IsolaError('request.invalid', 'query field cursor: not a cursor of this server', {
    hint: 'pass `nextCursor` of the page before, unchanged',
  })
}

function labelsOf(pairs: readonly string[]): Record<string, string> {
  if (pairs.length > MAX_LABELS)
    throw new IsolaError('request.invalid', `query field label: more than ${MAX_LABELS} given`)
  const labels: Record<string, string> = Object.create(null)
  for (const pair of pairs) {
    const mark = pair.indexOf('=')
    if (mark < 1)
      throw new IsolaError('request.invalid', `query field label: ${JSON.stringify(pair)} is not \`key=value\``)
    labels[pair.slice(0, mark)] = pair.slice(mark + 1)
  }
  return labels
}
