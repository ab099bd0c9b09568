// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

const GOLDEN = path.resolve(import.meta.dirname, '../golden')

export interface GoldenFrame {
  readonly name: string
  readonly hex: string
  readonly frame: {
    readonly epoch: number
    readonly type: number
    readonly channel: number
    readonly flags: number
    readonly id: number
    readonly json?: Record<string, unknown>
    readonly payloadHex?: string
  }
}

export interface MalformedFrame {
  readonly name: string
  readonly epoch: number
  readonly hex: string
  readonly error: string
}

/** The frames that the Rust side wrote down: both languages must agree on every byte. */
export const goldenFrames = readAll<GoldenFrame>('frames')
export const malformedFrames = readAll<MalformedFrame>('malformed')

export function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'))
}

function readAll<Shape>(folder: string): Shape[] {
  const directory = path.join(GOLDEN, folder)
  return readdirSync(directory).map((name) => JSON.parse(readFileSync(path.join(directory, name), 'utf8')) as Shape)
}
