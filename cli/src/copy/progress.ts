// SPDX-License-Identifier: Apache-2.0
import type { CommandContext } from '../command-context.ts'
import { withPatience } from '../output/patience.ts'
import { printable } from '../output/printable.ts'

/** What has been copied so far, and what was left out and why. */
export class CopyProgress {
  files = 0
  bytes = 0
  readonly skipped: string[] = []

  /** Counts what passes. */
  async *count(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      this.bytes += chunk.length
      yield chunk
    }
  }

  skip(path: string, reason: string): void {
    this.skipped.push(`${path}: ${reason}`)
  }

  describe(): string {
    return `isola: copied ${this.files} file${this.files === 1 ? '' : 's'}, ${formatBytes(this.bytes)}`
  }
}

/** Copies, shows how far it is when that takes a while, and tells what was left out. */
export async function copyWithProgress(
  { terminal }: CommandContext,
  copy: (progress: CopyProgress) => Promise<void>,
): Promise<CopyProgress> {
  const progress = new CopyProgress()
  await withPatience(terminal.stderr, () => `${progress.describe()}…`, copy(progress))
  for (const line of progress.skipped) await terminal.stderr.write(`isola: left out ${printable(line)}\n`)
  return progress
}

function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}
