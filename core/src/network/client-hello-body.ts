// SPDX-License-Identifier: Apache-2.0
import { ByteReader, MalformedBytes } from './byte-reader.ts'

export interface ClientHello {
  /** As it was sent, printable ASCII; `normalizeName` tells whether it is a name. */
  readonly serverName: string | null
  readonly alpn: readonly string[]
  /**
   * The true name may be encrypted (RFC 9849) and `serverName` be a front for it. Browsers send something
   * that looks like it to every server, so this alone says little.
   */
  readonly hasEch: boolean
}

const SERVER_NAME = 0
const ALPN = 16
const ENCRYPTED_CLIENT_HELLO = 0xfe0d
/** A draft of the same, still sent by some. */
const ENCRYPTED_SERVER_NAME = 0xffce

const MAX_SERVER_NAME_BYTES = 255

/** @throws MalformedBytes for what RFC 8446, 6066 and 7301 forbid, as far as it could hide a name. */
export function parseClientHello(body: Uint8Array): ClientHello {
  const reader = new ByteReader(body)
  if (reader.uint(2) >> 8 !== 3) throw new MalformedBytes('the ClientHello has no version of TLS')
  reader.take(32)
  if (reader.vector(1).length > 32) throw new MalformedBytes('the session id is longer than 32 bytes')
  const cipherSuiteBytes = reader.vector(2).length
  if (cipherSuiteBytes === 0 || cipherSuiteBytes % 2 === 1) throw new MalformedBytes('the list of ciphers is broken')
  if (reader.vector(1).length === 0) throw new MalformedBytes('there is no compression method')
  const extensions = readExtensions(reader)
  const serverName = extensions.get(SERVER_NAME)
  const alpn = extensions.get(ALPN)
  return {
    serverName: serverName === undefined ? null : readServerName(serverName),
    alpn: alpn === undefined ? [] : readAlpn(alpn),
    hasEch: extensions.has(ENCRYPTED_CLIENT_HELLO) || extensions.has(ENCRYPTED_SERVER_NAME),
  }
}

/** Before TLS 1.3 the whole list may be missing. */
function readExtensions(hello: ByteReader): ReadonlyMap<number, Uint8Array> {
  const extensions = new Map<number, Uint8Array>()
  if (hello.isAtEnd) return extensions
  const reader = new ByteReader(hello.vector(2))
  hello.expectEnd('a ClientHello')
  while (!reader.isAtEnd) {
    const type = reader.uint(2)
    if (extensions.has(type)) throw new MalformedBytes(`extension ${type} is there twice`)
    extensions.set(type, reader.vector(2))
  }
  return extensions
}

/** Exactly one name: servers differ in which of several they take. */
function readServerName(extension: Uint8Array): string {
  const reader = new ByteReader(extension)
  const list = new ByteReader(reader.vector(2))
  reader.expectEnd('a list of server names')
  if (list.uint(1) !== 0) throw new MalformedBytes('the server name is of an unknown kind')
  const name = list.vector(2)
  list.expectEnd('one server name')
  if (name.length === 0 || name.length > MAX_SERVER_NAME_BYTES || !name.every(isPrintable))
    throw new MalformedBytes('the server name is not text')
  return asText(name)
}

function readAlpn(extension: Uint8Array): readonly string[] {
  const reader = new ByteReader(extension)
  const list = new ByteReader(reader.vector(2))
  reader.expectEnd('a list of protocols')
  const protocols: string[] = []
  while (!list.isAtEnd) {
    const protocol = list.vector(1)
    if (protocol.length === 0) throw new MalformedBytes('a protocol has no name')
    protocols.push(asText(protocol))
  }
  return protocols
}

function isPrintable(byte: number): boolean {
  return byte > 0x20 && byte < 0x7f
}

/** One character for each byte: ALPN names need not be text. */
function asText(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}
