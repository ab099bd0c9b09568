// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fuzzReader } from '../../test/fuzz-reader.ts'
import { encodeFrame, type Frame, FrameError, FrameType } from './frame.ts'
import { FrameReader } from './frame-reader.ts'

const EPOCH = 42
const frames = fc.array(
  fc.record({
    epoch: fc.constant(EPOCH),
    type: fc.constantFrom(...Object.values(FrameType)),
    channel: fc.nat(255),
    flags: fc.nat(65_535),
    id: fc.nat(2 ** 32 - 1),
    payload: fc.uint8Array({ maxLength: 300 }),
  }),
  { maxLength: 8 },
)

const join = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts))
const plain = (list: readonly Frame[]): unknown[] => list.map((frame) => ({ ...frame, payload: [...frame.payload] }))
const data = (epoch: number, text: string): Uint8Array =>
  encodeFrame({ epoch, type: FrameType.data, channel: 1, id: 1, payload: new TextEncoder().encode(text) })

describe('a reader', () => {
  test.each(['strict', 'resync'] as const)('yields what was written however the bytes are cut (%s)', (mode) => {
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }), (written, cuts) => {
        const bytes = join(written.map((frame) => encodeFrame(frame)))
        const reader = new FrameReader(mode, EPOCH)
        const read: Frame[] = []
        for (let offset = 0, cut = 0; offset < bytes.length; cut++) {
          const size = cuts[cut % cuts.length] as number
          read.push(...reader.push(bytes.subarray(offset, offset + size)))
          offset += size
        }
        expect(plain(read)).toEqual(plain(written))
        expect(reader.skippedBytes).toBe(0)
      }),
    )
  })

  test('a large payload in many small pieces is joined once, not once per piece', () => {
    const payload = new Uint8Array(256 * 1024).fill(7)
    const bytes = join(
      Array.from({ length: 40 }, () => encodeFrame({ epoch: 1, type: FrameType.data, id: 1, payload })),
    )
    const startedAtMs = performance.now()
    let received = 0
    const reader = new FrameReader('strict', 1)
    for (let offset = 0; offset < bytes.length; offset += 512) {
      for (const frame of reader.push(bytes.subarray(offset, offset + 512))) received += frame.payload.length
    }
    expect(received).toBe(40 * payload.length)
    // Quadratic joining takes minutes here.
    expect(performance.now() - startedAtMs).toBeLessThan(3000)
  })

  test('10,000 damaged inputs are refused or read, nothing else', () => {
    const { frames: read, refused } = fuzzReader(10_000, 20_300_101)
    expect(read).toBeGreaterThan(1000)
    expect(refused).toBeGreaterThan(1000)
  })
})

describe('a strict reader', () => {
  test('refuses a frame of another epoch, except a greeting', () => {
    const reader = new FrameReader('strict', EPOCH)
    const hello = encodeFrame({ epoch: 1, type: FrameType.hello, id: 0 })
    expect([...reader.push(hello)]).toHaveLength(1)
    expect(() => [...reader.push(data(1, 'x'))]).toThrow(FrameError)
  })

  test('refuses noise at once, without waiting for more', () => {
    expect(() => [...new FrameReader('strict').push(new Uint8Array(24).fill(0x41))]).toThrow(FrameError)
  })
})

describe('a resynchronising reader', () => {
  test('finds the next frame behind noise and a half-written one', () => {
    const noise = new TextEncoder().encode('login: ISO ISOL garbage')
    const half = data(EPOCH, 'never finished').subarray(0, 20)
    const reader = new FrameReader('resync', EPOCH)
    const read = [...reader.push(join([noise, half, data(EPOCH, 'here')]))]
    expect(read.map(({ payload }) => new TextDecoder().decode(payload))).toEqual(['here'])
    expect(reader.skippedBytes).toBe(noise.length + half.length)
  })

  test('drops frames of an old epoch, but not the greeting of a new one', () => {
    const reader = new FrameReader('resync', EPOCH)
    const hello = encodeFrame({ epoch: 99, type: FrameType.hello, id: 0 })
    const read = [...reader.push(join([data(1, 'old'), hello, data(EPOCH, 'mine')]))]
    expect(read.map(({ type }) => type)).toEqual([FrameType.hello, FrameType.data])
  })
})
