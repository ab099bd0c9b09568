// SPDX-License-Identifier: Apache-2.0
import { encodeFrame, type Frame, FrameError, FrameType } from '../src/agent/frame.ts'
import { FrameReader } from '../src/agent/frame-reader.ts'

/** A small generator with a seed, so that a failure can be played again. */
export function seededRandom(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

export interface FuzzTally {
  frames: number
  refused: number
}

/**
 * Feeds `rounds` inputs made of whole frames, damaged frames and noise, cut anywhere. A strict
 * reader must refuse with a FrameError or yield frames, a resynchronising one must never throw,
 * and neither may hold on to more than it was given.
 */
export function fuzzReader(rounds: number, seed: number): FuzzTally {
  const random = seededRandom(seed)
  const tally = { frames: 0, refused: 0 }
  for (let round = 0; round < rounds; round++) {
    const input = noisyInput(random)
    try {
      tally.frames += feed(new FrameReader('strict'), input, random)
    } catch (error) {
      if (!(error instanceof FrameError)) throw new Error(`seed ${seed}, round ${round}`, { cause: error })
      tally.refused += 1
    }
    tally.frames += feed(new FrameReader('resync', 7), input, random)
  }
  return tally
}

function feed(reader: FrameReader, input: Uint8Array, random: (below: number) => number): number {
  let frames = 0
  for (let offset = 0; offset < input.length; ) {
    const size = 1 + random(64)
    for (const frame of reader.push(input.subarray(offset, offset + size))) {
      requireWhole(frame, input.length)
      frames += 1
    }
    offset += size
  }
  return frames
}

function requireWhole({ payload }: Frame, givenBytes: number): void {
  if (payload.length > givenBytes) throw new Error('a frame is longer than what it came from')
}

function noisyInput(random: (below: number) => number): Uint8Array {
  const parts = Array.from({ length: 1 + random(4) }, () => (random(5) === 0 ? noise(random) : frame(random)))
  const input = new Uint8Array(Buffer.concat(parts))
  for (let damage = random(3); damage > 0; damage--) input[random(input.length)] = random(256)
  return input
}

function frame(random: (below: number) => number): Uint8Array {
  return encodeFrame({
    epoch: 6 + random(3),
    type: (1 + random(FrameType.pong)) as FrameType,
    channel: random(4),
    flags: random(3),
    id: random(5),
    payload: noise(random).subarray(0, random(100)),
  })
}

function noise(random: (below: number) => number): Uint8Array {
  return Uint8Array.from({ length: 1 + random(120) }, () => random(256))
}
