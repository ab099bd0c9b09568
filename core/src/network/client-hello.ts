// SPDX-License-Identifier: Apache-2.0
import { ByteReader, MalformedBytes } from './byte-reader.ts'
import { type ClientHello, parseClientHello } from './client-hello-body.ts'

export type ClientHelloReading =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'not-tls' }
  | { readonly kind: 'malformed'; readonly why: string }
  | ({ readonly kind: 'hello' } & ClientHello)

/** Of records and all; a browser's, with post-quantum keys, takes 2 KiB. */
export const MAX_CLIENT_HELLO_BYTES = 16 * 1024

/** One would do; programs that are to look unlike TLS to a filter send some more. */
const MAX_RECORDS = 128
const RECORD_HEADER_BYTES = 5
const MAX_RECORD_BYTES = 16 * 1024
const MESSAGE_HEADER_BYTES = 4
const HANDSHAKE = 0x16
const CLIENT_HELLO = 1
/** Change cipher spec, alert, application data, heartbeat. */
const OTHER_RECORDS: ReadonlySet<number | undefined> = new Set([0x14, 0x15, 0x17, 0x18])

/**
 * What the first bytes of a connection say of TLS, however they are cut into records and however hostile they are.
 * Never throws. `incomplete` asks for more bytes; from 16 KiB on there is always an answer.
 */
export function readClientHello(bytes: Uint8Array): ClientHelloReading {
  try {
    if (bytes[0] !== undefined && bytes[0] !== HANDSHAKE) return readOtherBytes(bytes)
    const message = gatherMessage(bytes.subarray(0, MAX_CLIENT_HELLO_BYTES))
    if (message !== undefined) return { kind: 'hello', ...parseClientHello(message) }
    if (bytes.length >= MAX_CLIENT_HELLO_BYTES) throw tooLong()
    return { kind: 'incomplete' }
  } catch (error) {
    if (error instanceof MalformedBytes) return { kind: 'malformed', why: error.message }
    throw error
  }
}

/** Servers skip some records in front of the ClientHello, a warning for example; so it must not hide behind one. */
function readOtherBytes(bytes: Uint8Array): ClientHelloReading {
  if (!OTHER_RECORDS.has(bytes[0])) return { kind: 'not-tls' }
  if (bytes.length === 1) return { kind: 'incomplete' }
  return bytes[1] === 3
    ? { kind: 'malformed', why: 'TLS begins with another record than a handshake' }
    : { kind: 'not-tls' }
}

/** The body of the handshake message, put together from its records; undefined until all of it is there. */
function gatherMessage(bytes: Uint8Array): Uint8Array | undefined {
  const message = new Uint8Array(bytes.length)
  let filledBytes = 0
  let offset = 0
  for (let records = 0; records < MAX_RECORDS; records++) {
    const record = bytes.subarray(offset)
    const recordBytes = readRecordHeader(record)
    if (recordBytes === undefined) return undefined
    const payload = record.subarray(RECORD_HEADER_BYTES, RECORD_HEADER_BYTES + recordBytes)
    message.set(payload, filledBytes)
    const messageBytes = readMessageHeader(message.subarray(0, filledBytes + payload.length))
    if (messageBytes !== undefined && filledBytes + recordBytes > messageBytes)
      throw new MalformedBytes('something follows the ClientHello in its record')
    filledBytes += payload.length
    if (filledBytes === messageBytes) return message.subarray(MESSAGE_HEADER_BYTES, messageBytes)
    if (payload.length < recordBytes) return undefined
    offset += RECORD_HEADER_BYTES + recordBytes
  }
  throw new MalformedBytes(`the ClientHello is cut into more than ${MAX_RECORDS} records`)
}

/** Length of the payload; undefined until the header is there. */
function readRecordHeader(record: Uint8Array): number | undefined {
  if (record[0] !== undefined && record[0] !== HANDSHAKE)
    throw new MalformedBytes('another record cuts the ClientHello in two')
  if (record[1] !== undefined && record[1] !== 3) throw new MalformedBytes('the record has no version of TLS')
  if (record.length < RECORD_HEADER_BYTES) return undefined
  const lengthBytes = new ByteReader(record.subarray(3, RECORD_HEADER_BYTES)).uint(2)
  if (lengthBytes === 0 || lengthBytes > MAX_RECORD_BYTES)
    throw new MalformedBytes(`a record of ${lengthBytes} bytes is not allowed`)
  return lengthBytes
}

/** Length of the message with its header; undefined until the header is there. */
function readMessageHeader(message: Uint8Array): number | undefined {
  if (message[0] !== undefined && message[0] !== CLIENT_HELLO)
    throw new MalformedBytes('the handshake does not begin with a ClientHello')
  if (message.length < MESSAGE_HEADER_BYTES) return undefined
  const lengthBytes = MESSAGE_HEADER_BYTES + new ByteReader(message.subarray(1, MESSAGE_HEADER_BYTES)).uint(3)
  if (lengthBytes > MAX_CLIENT_HELLO_BYTES) throw tooLong()
  return lengthBytes
}

function tooLong(): MalformedBytes {
  return new MalformedBytes(`the ClientHello is longer than ${MAX_CLIENT_HELLO_BYTES} bytes`)
}
