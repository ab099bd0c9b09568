// SPDX-License-Identifier: Apache-2.0
import { unusable } from './argument-error.ts'

const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const MAX_MS = 2 ** 31 - 1

/** `500ms`, `60s`, `1.5h` as milliseconds. @throws {ArgumentError} */
export function parseDuration(name: string, text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? []
  const durationMs = Math.round(Number(number) * (UNIT_MS[unit ?? ''] ?? Number.NaN))
  if (!(durationMs >= 1 && durationMs <= MAX_MS))
    throw unusable(name, text, 'a time such as 500ms, 60s, 5m or 2h, up to 24d')
  return durationMs
}

/** As it would be written. */
export function formatDuration(durationMs: number): string {
  for (const unit of ['d', 'h', 'm', 's']) {
    const size = UNIT_MS[unit] as number
    if (durationMs >= size && (durationMs * 10) % size === 0) return `${durationMs / size}${unit}`
  }
  return `${durationMs}ms`
}
