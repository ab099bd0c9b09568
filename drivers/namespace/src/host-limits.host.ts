// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises'

/** The hard limit on open files, which the launcher and all sandboxes inherit. */
export async function readOpenFilesMax(): Promise<number | undefined> {
  const text = await readFile('/proc/self/limits', 'utf8').catch(() => '')
  return parseOpenFilesMax(text)
}

export function parseOpenFilesMax(text: string): number | undefined {
  const hard = /^Max open files\s+\S+\s+(\d+)/m.exec(text)?.[1]
  return hard === undefined ? undefined : Number(hard)
}
