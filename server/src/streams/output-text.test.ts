// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest'
import { outputText } from './output-text.ts'

const MIB = 1024 * 1024
const lengthAsJson = (bytes: Buffer): number => JSON.stringify(outputText(bytes)).length
const bytesOf = (output: { text: string; base64?: string }): Buffer =>
  output.base64 === undefined ? Buffer.from(output.text) : Buffer.from(output.base64, 'base64')

describe('output as text', () => {
  test.each([
    ['only zeroes', Buffer.alloc(MIB)],
    ['only quotes', Buffer.alloc(MIB, '"')],
    ['only control characters', Buffer.alloc(MIB, '\u001b')],
    ['a terminal in colour', Buffer.alloc(MIB, '\u001b[1m\u0007')],
    ['bytes that are no text', Buffer.alloc(MIB, 0xff)],
    ['text with many lines', Buffer.alloc(MIB, 'a\nb "c"\n')],
  ])('is never much longer in JSON than base64 would be: %s', (_what, bytes) => {
    expect(lengthAsJson(bytes)).toBeLessThan((4 / 3) * bytes.length + 100)
    expect(bytesOf(outputText(bytes)).equals(bytes)).toBe(true)
  })

  test.each(['{"a": "b\\n"}\n', 'ä €\t😀\r\n', 'word\u007f'])('stays text where that is short: %j', (line) => {
    const bytes = Buffer.from(line.padEnd(60, 'x').repeat(5000))
    expect(outputText(bytes)).toEqual({ text: bytes.toString() })
  })

  test.each(['\n', '\0', '"'.repeat(1000)])('stays text where it is little, whatever is in it: %j', (text) => {
    expect(outputText(Buffer.from(text))).toEqual({ text })
  })
})
