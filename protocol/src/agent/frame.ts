// SPDX-License-Identifier: Apache-2.0
import { FRAME_HEADER_BYTES, MAX_DATA_PAYLOAD_BYTES, MAX_FRAME_PAYLOAD_BYTES } from '../limits.ts'
import { crc32 } from './crc32.ts'

/**
 * The one frame format of Isola: server ↔ agent, server ↔ launcher, client ↔ server streams.
 *
 * 24 bytes of header, big endian, then the payload:
 * magic u32 · epoch u32 · type u8 · channel u8 · flags u16 · id u32 · length u32 · crc32 of the 20 bytes before.
 *
 * The magic, the header's own checksum and the epoch let a reader of a serial line find the next
 * frame after a restore or a half-written one; the epoch names the connection a frame belongs to.
 */
export const FRAME_MAGIC = 0x49534f4c

export const FrameType = {
  hello: 1,
  auth: 2,
  request: 3,
  response: 4,
  event: 5,
  data: 6,
  end: 7,
  credit: 8,
  cancel: 9,
  ping: 10,
  pong: 11,
} as const
export type FrameType = (typeof FrameType)[keyof typeof FrameType]

/** Direction of a stream's bytes, seen from the agent: 0 goes in, 1 and 2 come out. */
export const Channel = { input: 0, output: 1, error: 2 } as const
export type Channel = (typeof Channel)[keyof typeof Channel]

/** On `end`: the stream broke off, the payload is the error as JSON. */
export const FLAG_BROKEN = 1
/** On `data` from an agent: output was dropped between this frame and the one before. */
export const FLAG_GAP = 2

export interface Frame {
  readonly epoch: number
  readonly type: FrameType
  readonly channel: number
  readonly flags: number
  readonly id: number
  readonly payload: Uint8Array
}

export interface FrameHeader {
  readonly epoch: number
  readonly type: FrameType
  readonly channel: number
  readonly flags: number
  readonly id: number
  readonly length: number
}

export class FrameError extends Error {
  readonly kind: 'magic' | 'checksum' | 'type' | 'length' | 'epoch'
  constructor(kind: FrameError['kind'], message: string) {
    super(message)
    this.name = 'FrameError'
    this.kind = kind
  }
}

const EMPTY = new Uint8Array(0)

/** Header and payload in one array; for small frames one write is cheaper than two. */
export function encodeFrame(
  frame: Pick<Frame, 'epoch' | 'type' | 'id'> & Partial<Pick<Frame, 'channel' | 'flags' | 'payload'>>,
): Uint8Array {
  const payload = frame.payload ?? EMPTY
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + payload.length)
  writeHeader(bytes, {
    epoch: frame.epoch,
    type: frame.type,
    channel: frame.channel ?? 0,
    flags: frame.flags ?? 0,
    id: frame.id,
    length: payload.length,
  })
  bytes.set(payload, FRAME_HEADER_BYTES)
  return bytes
}

/** The header alone, for payloads that are written behind it without being copied. */
export function encodeHeader(header: FrameHeader): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES)
  writeHeader(bytes, header)
  return bytes
}

function writeHeader(bytes: Uint8Array, header: FrameHeader): void {
  const limit = header.type === FrameType.data ? MAX_DATA_PAYLOAD_BYTES : MAX_FRAME_PAYLOAD_BYTES
  if (header.length > limit) {
    throw new FrameError('length', `frame payload of ${header.length} bytes exceeds ${limit}`)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, FRAME_HEADER_BYTES)
  view.setUint32(0, FRAME_MAGIC)
  view.setUint32(4, header.epoch)
  view.setUint8(8, header.type)
  view.setUint8(9, header.channel)
  view.setUint16(10, header.flags)
  view.setUint32(12, header.id)
  view.setUint32(16, header.length)
  view.setUint32(20, crc32(bytes.subarray(0, 20)))
}

/**
 * Reads a header at `offset`.
 * @throws {FrameError} when the bytes cannot be the start of a frame.
 */
export function decodeHeader(bytes: Uint8Array, offset = 0): FrameHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, FRAME_HEADER_BYTES)
  if (view.getUint32(0) !== FRAME_MAGIC) throw new FrameError('magic', 'frame does not start with its magic')
  if (view.getUint32(20) !== crc32(bytes.subarray(offset, offset + 20))) {
    throw new FrameError('checksum', 'frame header does not match its checksum')
  }
  const type = view.getUint8(8)
  if (type < FrameType.hello || type > FrameType.pong) {
    throw new FrameError('type', `frame type ${type} is unknown`)
  }
  const length = view.getUint32(16)
  const limit = type === FrameType.data ? MAX_DATA_PAYLOAD_BYTES : MAX_FRAME_PAYLOAD_BYTES
  if (length > limit) throw new FrameError('length', `frame payload of ${length} bytes exceeds ${limit}`)
  return {
    epoch: view.getUint32(4),
    type: type as FrameType,
    channel: view.getUint8(9),
    flags: view.getUint16(10),
    id: view.getUint32(12),
    length,
  }
}
