// SPDX-License-Identifier: Apache-2.0
import type { FileEntry } from '@isola/protocol'
import { IsolaError } from '@isola/protocol/wire'

type Line = FileEntry | { truncated: true } | { error: { code: string; message: string } }

/** Entries of a listing, line by line; yields `'truncated'` last when the limit was reached. */
export async function* entryLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<FileEntry | 'truncated'> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line !== '') yield parseLine(line)
  }
  if (rest !== '') yield parseLine(rest)
}

function parseLine(text: string): FileEntry | 'truncated' {
  const line = JSON.parse(text) as Line
  if ('error' in line) throw IsolaError.fromWire(line.error)
  return 'truncated' in line ? 'truncated' : line
}
