// SPDX-License-Identifier: Apache-2.0
import { FileEntry } from '@isola/protocol'
import { ProtocolBreach } from './frame-link.ts'
import type { ByteSource } from '../sandbox/sandbox-service.ts'
import { parseJson, parseShape } from './wire-json.ts'

/** A name has at most 255 bytes and a path 4096, each byte at most six characters in JSON. */
const MAX_LINE_BYTES = 64 * 1024
const NEWLINE = 10
const encoder = new TextEncoder()

/** Passes NDJSON on, every line checked; what is passed on was written here, not inside. */
export async function* checkedEntryLines(source: ByteSource): AsyncGenerator<Uint8Array, void, undefined> {
  let partial: Uint8Array[] = []
  let partialBytes = 0
  for await (const chunk of source) {
    let text = ''
    let start = 0
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, start)) {
      partial.push(chunk.subarray(start, at))
      text += checkedLine(partial)
      partial = []
      partialBytes = 0
      start = at + 1
    }
    const rest = chunk.subarray(start)
    partialBytes += rest.length
    if (partialBytes > MAX_LINE_BYTES) throw new ProtocolBreach('a line of the list is too long')
    if (rest.length > 0) partial.push(rest)
    if (text !== '') yield encoder.encode(text)
  }
  if (partialBytes > 0) throw new ProtocolBreach('the list ends in the middle of a line')
}

function checkedLine(parts: readonly Uint8Array[]): string {
  const value = parseJson(joined(parts), 'line of the list')
  const line = value['truncated'] === true ? { truncated: true } : parseShape(FileEntry, value, 'line of the list')
  return `${JSON.stringify(line)}\n`
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0] as Uint8Array
  const whole = new Uint8Array(parts.reduce((total, part) => total + part.length, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}
