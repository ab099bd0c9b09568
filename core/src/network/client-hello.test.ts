// SPDX-License-Identifier: Apache-2.0
import { Duplex } from 'node:stream'
import { type ConnectionOptions, connect } from 'node:tls'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { buildHello, extension, record, serverNames } from '../../test/build-client-hello.ts'
import { MAX_CLIENT_HELLO_BYTES, readClientHello } from './client-hello.ts'

/** What node:tls sends first, caught before it reaches any network. */
function captureHello(options: ConnectionOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const wire = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        resolve(chunk)
        done()
      },
    })
    const socket = connect({ ...options, socket: wire })
    socket.on('error', reject)
    setImmediate(() => socket.destroy())
  })
}

let real: Buffer

beforeAll(async () => {
  real = await captureHello({ servername: 'api.example.com', ALPNProtocols: ['h2', 'http/1.1'] })
})

describe('the ClientHello of a real client', () => {
  test('is read', () => {
    const expected = { kind: 'hello', serverName: 'api.example.com', alpn: ['h2', 'http/1.1'], hasEch: false }
    expect(readClientHello(real)).toEqual(expected)
  })

  test('is read without a server name, and as TLS 1.2', async () => {
    const unnamed = await captureHello({ maxVersion: 'TLSv1.2', host: '127.0.0.1' })
    expect(readClientHello(unnamed)).toEqual({ kind: 'hello', serverName: null, alpn: [], hasEch: false })
  })

  test('is incomplete in every part that does not reach its end', () => {
    for (let length = 0; length < real.length; length++)
      expect(readClientHello(real.subarray(0, length))).toEqual({ kind: 'incomplete' })
  })

  test('is read when more follows in other records', () => {
    expect(readClientHello(Buffer.concat([real, record(Buffer.from('early data'), 0x17)]))).toMatchObject({
      kind: 'hello',
    })
  })

  test.each([16, 50, 200, 1000])('is read when it comes in records of %d bytes, and incomplete before', (size) => {
    const message = real.subarray(5)
    const pieces = Array.from({ length: Math.ceil(message.length / size) }, (_, index) =>
      record(message.subarray(index * size, (index + 1) * size)),
    )
    const cut = Buffer.concat(pieces)
    expect(readClientHello(cut)).toEqual(readClientHello(real))
    expect(readClientHello(cut.subarray(0, cut.length - 1))).toEqual({ kind: 'incomplete' })
  })

  test('with any one byte changed never throws, and never gives a name that is not text; every byte', () => {
    for (let index = 0; index < real.length; index++) {
      for (const value of [0, 1, 0x16, 0x7f, 0xff]) {
        const changed = Buffer.from(real)
        changed[index] = value
        const reading = readClientHello(changed)
        if (reading.kind === 'hello' && reading.serverName !== null) expect(reading.serverName).toMatch(/^[!-~]+$/)
      }
    }
  })
})

describe('what is no ClientHello', () => {
  test.each(['GET / HTTP/1.1', 'SSH-2.0', '\0', '\x80\x2e\x01\x03\x01', '\x15hello', '\x17\x02'])(
    '%j is not TLS',
    (text) => {
      expect(readClientHello(Buffer.from(text, 'latin1'))).toEqual({ kind: 'not-tls' })
    },
  )

  test('one byte of another kind of record may become either', () => {
    expect(readClientHello(Buffer.from([0x15]))).toEqual({ kind: 'incomplete' })
  })

  const body = buildHello([])
  const long = extension(21, Buffer.alloc(16_330))
  const malformed: readonly (readonly [string, Uint8Array, string])[] = [
    ['a warning in front of it', Buffer.concat([record(Buffer.from([1, 0]), 0x15), body]), 'another record'],
    ['a record of another kind in the middle', cutBy(body, record(Buffer.from([1, 0]), 0x15)), 'cuts the ClientHello'],
    ['an empty record', Buffer.from([0x16, 3, 1, 0, 0]), '0 bytes'],
    ['a record that is too long', Buffer.from([0x16, 3, 1, 0x40, 1]), '16385 bytes'],
    ['a record of no version', Buffer.from([0x16, 0x47]), 'no version'],
    ['a handshake that begins otherwise', record(Buffer.from([2, 0, 0, 0])), 'does not begin with'],
    ['a length of 16 MiB', record(Buffer.from([1, 0xff, 0xff, 0xff])), 'longer than 16384'],
    ['more than 16 KiB', buildHello([long]), 'longer than 16384'],
    [
      'a second message in its record',
      record(Buffer.concat([body.subarray(5), Buffer.from([1])])),
      'something follows',
    ],
    ['two server names', buildHello([serverNames('a.example', 'b.example')]), 'more than one server name'],
    ['two lists of server names', buildHello([serverNames('a.example'), serverNames('b.example')]), 'twice'],
    ['an unknown extension twice', buildHello([extension(4711), extension(4711)]), 'twice'],
    ['an empty server name', buildHello([serverNames('')]), 'not text'],
    ['a server name with a NUL', buildHello([serverNames('good.example\0.evil.example')]), 'not text'],
    ['a server name that is not ASCII', buildHello([serverNames('bücher.example')]), 'not text'],
    ['a server name of 256 bytes', buildHello([serverNames('a'.repeat(256))]), 'not text'],
    ['a server name of another kind', buildHello([extension(0, Buffer.from([0, 4, 1, 0, 1, 97]))]), 'unknown kind'],
    ['an empty list of server names', buildHello([extension(0, Buffer.from([0, 0]))]), 'past the end'],
    ['bytes behind the server names', buildHello([extension(0, Buffer.from([0, 4, 0, 0, 1, 97, 9]))]), 'more than'],
    ['a name longer than its list', buildHello([extension(0, Buffer.from([0, 4, 0, 0, 9, 97]))]), 'past the end'],
    ['a protocol without a name', buildHello([extension(16, Buffer.from([0, 1, 0]))]), 'no name'],
    ['an extension longer than the list', buildHello([Buffer.from([0, 1, 0, 9])]), 'past the end'],
    ['half an extension', buildHello([Buffer.from([0, 1])]), 'past the end'],
  ]
  test.each(malformed)('%s is malformed', (_what, bytes, why) => {
    expect(readClientHello(bytes)).toEqual({ kind: 'malformed', why: expect.stringContaining(why) })
  })
})

describe('a ClientHello', () => {
  test('may lack the list of extensions', () => {
    expect(readClientHello(buildHello(null))).toEqual({ kind: 'hello', serverName: null, alpn: [], hasEch: false })
  })

  test.each([0xfe0d, 0xffce])('with extension %d may hide its true name', (type) => {
    const hello = buildHello([serverNames('front.example'), extension(type)])
    expect(readClientHello(hello)).toMatchObject({ serverName: 'front.example', hasEch: true })
  })

  test('gives its name as it was sent: what is no host name is for others to judge', () => {
    expect(readClientHello(buildHello([serverNames('10.0.0.1')]))).toMatchObject({ serverName: '10.0.0.1' })
    expect(readClientHello(buildHello([serverNames('A.Example.')]))).toMatchObject({ serverName: 'A.Example.' })
  })
})

describe('hostile bytes', () => {
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => record(bytes)),
    fc
      .uint8Array({ maxLength: 300 })
      .map((bytes) => record(Buffer.from([1, 0, bytes.length >> 8, bytes.length, ...bytes]))),
    fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 5 }).map(buildHello),
    fc
      .array(fc.tuple(fc.constantFrom(0, 16, 43), fc.uint8Array({ maxLength: 40 })), { maxLength: 4 })
      .map((list) => buildHello(list.map(([type, data]) => extension(type, data)))),
  )

  test('end in one of the four answers; 10,000 inputs', () => {
    fc.assert(
      fc.property(anything, (bytes) => {
        expect(['incomplete', 'not-tls', 'malformed', 'hello']).toContain(readClientHello(bytes).kind)
      }),
      { numRuns: 10_000 },
    )
  })

  test('get the same answer when more follows, once there is one', () => {
    fc.assert(
      fc.property(anything, fc.uint8Array({ minLength: 1, maxLength: 40 }), (bytes, more) => {
        const reading = readClientHello(bytes)
        if (reading.kind !== 'incomplete') expect(readClientHello(Buffer.concat([bytes, more]))).toEqual(reading)
      }),
    )
  })

  test('are never incomplete from 16 KiB on', () => {
    const endless = Buffer.concat(
      Array.from({ length: 3000 }, (_, index) => record(Buffer.from([[1, 0, 0x3f][index] ?? 0]))),
    )
    expect(readClientHello(endless)).toMatchObject({ why: expect.stringContaining('more than 128 records') })
    const slow = record(Buffer.concat([Buffer.from([1, 0, 0x3f, 0xfc]), Buffer.alloc(0x3ffc)]))
    expect(readClientHello(slow.subarray(0, MAX_CLIENT_HELLO_BYTES - 1))).toEqual({ kind: 'incomplete' })
    expect(readClientHello(slow).kind).toBe('malformed')
  })
})

function cutBy(hello: Uint8Array, other: Uint8Array): Uint8Array {
  const message = hello.subarray(5)
  return Buffer.concat([record(message.subarray(0, 20)), other, record(message.subarray(20))])
}
