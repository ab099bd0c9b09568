// SPDX-License-Identifier: Apache-2.0
import { normalizeName } from '@isola/core'
import { type DecodedPacket, decode, encode, type Question } from 'dns-packet'

const HEADER_BYTES = 12
/** An honest question has one name and a few options: a tenth of this. */
const MAX_QUESTION_BYTES = 4096
/** OPT, TSIG, and some to spare; the header may claim 65,535, and each would be memory. */
const MAX_ADDITIONALS = 4
const LONGEST_LABEL = 63
const CLASS_AND_TYPE_BYTES = 4

const IS_RESPONSE = 0x8000
const OPCODE = 0x7800
const RECURSION_DESIRED = 0x0100
const CHECKING_DISABLED = 0x0010
const SUPPORTED_EDNS_VERSION = 0

export const RCODE = {
  noError: 0,
  formatError: 1,
  serverFailure: 2,
  noSuchName: 3,
  notImplemented: 4,
  refused: 5,
  badVersion: 16,
} as const
export type Rcode = (typeof RCODE)[keyof typeof RCODE]

/** What an answer repeats of its question. */
export interface QuestionHead {
  readonly id: number
  readonly flags: number
  /** The question as it came, with the case of each letter: clients check it (0x20). Empty when it could not be read. */
  readonly section: Uint8Array
  /** The client speaks EDNS. */
  readonly edns?: { readonly payloadBytes: number; readonly wantsDnssec: boolean }
}

export interface ReadQuestion {
  readonly head: QuestionHead
  /** As `normalizeName` writes it; undefined for what is no name of a host. */
  readonly name: string | undefined
  /** For people: the same, or what came with everything unusual replaced. */
  readonly shownName: string
  /** `A`, `HTTPS`, `TYPE4711`. */
  readonly type: string
}

export interface UnusableQuestion {
  readonly head: QuestionHead
  readonly problem: Rcode
}

/**
 * Reads one message of a sandbox; undefined for what must not be answered: less than a header, and responses,
 * since two resolvers that answer answers never stop.
 *
 * Every byte is an attacker's. Names in questions may not be compressed, so a pointer cannot lead anywhere, and
 * a label with a dot or an odd byte in it is no name: two readers would see two names.
 */
export function readQuestion(message: Uint8Array): ReadQuestion | UnusableQuestion | undefined {
  if (message.length < HEADER_BYTES) return undefined
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength)
  const flags = bytes.readUInt16BE(2)
  if ((flags & IS_RESPONSE) !== 0) return undefined
  const kept = { id: bytes.readUInt16BE(0), flags: flags & (RECURSION_DESIRED | CHECKING_DISABLED) }
  const bare = { ...kept, section: bytes.subarray(0, 0) }
  if ((flags & OPCODE) !== 0) return { head: bare, problem: RCODE.notImplemented }
  const section = questionSection(bytes)
  const packet = section === undefined ? undefined : decoded(bytes)
  const [question] = packet?.questions ?? []
  if (section === undefined || packet === undefined || question === undefined)
    return { head: bare, problem: RCODE.formatError }
  return interpreted({ ...kept, section }, packet, question)
}

function interpreted(
  plainHead: QuestionHead,
  packet: DecodedPacket,
  question: Question,
): ReadQuestion | UnusableQuestion {
  const [opt, ...more] = (packet.additionals ?? []).filter((record) => record.type === 'OPT')
  if (more.length > 0 || (opt !== undefined && opt.name !== '.')) return { head: plainHead, problem: RCODE.formatError }
  const head =
    opt === undefined
      ? plainHead
      : { ...plainHead, edns: { payloadBytes: opt.udpPayloadSize, wantsDnssec: opt.flag_do } }
  if (opt !== undefined && opt.ednsVersion !== SUPPORTED_EDNS_VERSION) return { head, problem: RCODE.badVersion }
  if (question.class !== 'IN') return { head, problem: RCODE.notImplemented }
  const normal = normalizeName(question.name)
  const name = normal !== undefined && isWrittenTheSame(question.name, head.section) ? normal : undefined
  const shownName = name ?? question.name.replaceAll(/[^A-Za-z0-9._-]/g, '?')
  return { head, name, shownName, type: typeName(question.type) }
}

/** The bytes of the one question; undefined for another number of them, answers in it, or a compressed name. */
function questionSection(bytes: Buffer): Uint8Array | undefined {
  const [questions, answers, authorities, additionals] = [4, 6, 8, 10].map((offset) => bytes.readUInt16BE(offset))
  if (bytes.length > MAX_QUESTION_BYTES || questions !== 1 || answers !== 0 || authorities !== 0) return undefined
  if (additionals === undefined || additionals > MAX_ADDITIONALS) return undefined
  let offset = HEADER_BYTES
  for (let length = bytes[offset]; length !== 0; length = bytes[offset]) {
    if (length === undefined || length > LONGEST_LABEL) return undefined
    offset += 1 + length
  }
  const end = offset + 1 + CLASS_AND_TYPE_BYTES
  return end <= bytes.length ? bytes.subarray(HEADER_BYTES, end) : undefined
}

function decoded(bytes: Buffer): DecodedPacket | undefined {
  try {
    return decode(bytes)
  } catch {
    return undefined
  }
}

/** False when a dot within a label, or bytes that are no text, got lost in reading. */
function isWrittenTheSame(name: string, section: Uint8Array): boolean {
  const written = encode({ questions: [{ name, type: 'A' }] }).subarray(HEADER_BYTES, -CLASS_AND_TYPE_BYTES)
  return written.equals(section.subarray(0, -CLASS_AND_TYPE_BYTES))
}

/** Types that dns-packet has no name for, as RFC 3597 writes them, except the two that browsers ask for. */
function typeName(type: string): string {
  if (type === 'UNKNOWN_64') return 'SVCB'
  if (type === 'UNKNOWN_65') return 'HTTPS'
  return type.replace('UNKNOWN_', 'TYPE')
}
