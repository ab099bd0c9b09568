// SPDX-License-Identifier: Apache-2.0
import type { FileEntry } from '@isola/protocol'
import { IsolaError } from '@isola/protocol/wire'
import { textLines } from '../connection/text-lines.ts'

type Line = FileEntry | { truncated: true } | { error: { code: string; message: string } }

/** Entries of a listing, line by line; yields `'truncated'` last when the limit was reached. */
export async function* entryLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<FileEntry | 'truncated'> {
  for await (const line of textLines(chunks)) yield parseLine(line)
}

function parseLine(text: string): FileEntry | 'truncated' {
  const line = JSON.parse(text) as Line
  if ('error' in line) throw IsolaError.fromWire(line.error)
  return 'truncated' in line ? 'truncated' : line
}
