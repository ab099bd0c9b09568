// SPDX-License-Identifier: Apache-2.0
import type { Address } from '@isola/core'
import type { QuestionHead, Rcode } from './dns-message.ts'

const HEADER_BYTES = 12
const OPT_BYTES = 11
/** Without EDNS (RFC 1035). */
const SMALLEST_UDP_BYTES = 512
/** What fits into one packet on every network; longer UDP answers invite to be fragmented and forged (RFC 9715). */
const LARGEST_UDP_BYTES = 1232
const LARGEST_TCP_BYTES = 65_535

const IS_RESPONSE = 0x8000
const TRUNCATED = 0x0200
const RECURSION_AVAILABLE = 0x0080
const DNSSEC_OK = 0x8000

const TYPE_A = 1
const TYPE_AAAA = 28
const TYPE_OPT = 41
const CLASS_IN = 1
const NAME_OF_QUESTION = 0xc000 | HEADER_BYTES

const OPTION_EXTENDED_ERROR = 15
const MAX_EXTRA_TEXT_BYTES = 160

/** RFC 8914 */
export const EXTENDED_ERROR = { blocked: 15, filtered: 17, noReachableAuthority: 22, networkError: 23 } as const

export interface Answer {
  readonly rcode: Rcode
  readonly addresses?: readonly Address[]
  readonly ttlSeconds?: number
  /** Why; reaches only clients with EDNS. */
  readonly extendedError?: {
    readonly code: (typeof EXTENDED_ERROR)[keyof typeof EXTENDED_ERROR]
    readonly text: string
  }
}

export interface WrittenAnswer {
  readonly message: Uint8Array
  /** Those that found room. When some did not, the client is told to ask again by TCP. */
  readonly addresses: readonly Address[]
}

/**
 * Written by hand, since the question has to come back byte by byte, and since dns-packet does not compress:
 * an answer holds three times as many addresses when each says "the name of the question" in two bytes.
 */
export function writeAnswer(head: QuestionHead, answer: Answer, transport: 'udp' | 'tcp'): WrittenAnswer {
  const opt = head.edns === undefined ? Buffer.alloc(0) : optRecord(head.edns.wantsDnssec, answer)
  const records = (answer.addresses ?? []).map((address) => addressRecord(address, answer.ttlSeconds ?? 0))
  let room = largestBytes(head, transport) - HEADER_BYTES - head.section.length - opt.length
  const fitting = records.filter((record) => (room -= record.length) >= 0)
  const isTruncated = fitting.length < records.length

  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt16BE(head.id, 0)
  const flags = IS_RESPONSE | RECURSION_AVAILABLE | head.flags | (isTruncated ? TRUNCATED : 0)
  header.writeUInt16BE(flags | (answer.rcode & 0xf), 2)
  header.writeUInt16BE(head.section.length > 0 ? 1 : 0, 4)
  header.writeUInt16BE(fitting.length, 6)
  header.writeUInt16BE(opt.length > 0 ? 1 : 0, 10)
  return {
    message: Buffer.concat([header, head.section, ...fitting, opt]),
    addresses: answer.addresses?.slice(0, fitting.length) ?? [],
  }
}

function largestBytes({ edns }: QuestionHead, transport: 'udp' | 'tcp'): number {
  if (transport === 'tcp') return LARGEST_TCP_BYTES
  return Math.min(Math.max(edns?.payloadBytes ?? 0, SMALLEST_UDP_BYTES), LARGEST_UDP_BYTES)
}

function addressRecord({ family, value }: Address, ttlSeconds: number): Buffer {
  const dataBytes = family === 4 ? 4 : 16
  const record = Buffer.alloc(12 + dataBytes)
  record.writeUInt16BE(NAME_OF_QUESTION, 0)
  record.writeUInt16BE(family === 4 ? TYPE_A : TYPE_AAAA, 2)
  record.writeUInt16BE(CLASS_IN, 4)
  record.writeUInt32BE(ttlSeconds, 6)
  record.writeUInt16BE(dataBytes, 10)
  record.write(value.toString(16).padStart(dataBytes * 2, '0'), 12, 'hex')
  return record
}

function optRecord(wantsDnssec: boolean, { rcode, extendedError }: Answer): Buffer {
  const option = extendedError === undefined ? Buffer.alloc(0) : errorOption(extendedError.code, extendedError.text)
  const record = Buffer.alloc(OPT_BYTES)
  record.writeUInt16BE(TYPE_OPT, 1)
  record.writeUInt16BE(LARGEST_UDP_BYTES, 3)
  record.writeUInt8(rcode >> 4, 5)
  record.writeUInt16BE(wantsDnssec ? DNSSEC_OK : 0, 7)
  record.writeUInt16BE(option.length, 9)
  return Buffer.concat([record, option])
}

function errorOption(code: number, text: string): Buffer {
  const extraText = new Uint8Array(MAX_EXTRA_TEXT_BYTES)
  // Writes no half characters.
  const { written } = new TextEncoder().encodeInto(text, extraText)
  const option = Buffer.alloc(6)
  option.writeUInt16BE(OPTION_EXTENDED_ERROR, 0)
  option.writeUInt16BE(2 + written, 2)
  option.writeUInt16BE(code, 4)
  return Buffer.concat([option, extraText.subarray(0, written)])
}
