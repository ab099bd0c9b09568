// SPDX-License-Identifier: Apache-2.0
import { readFile, statfs } from 'node:fs/promises'
import { totalmem } from 'node:os'

const MIB = 1024 * 1024

/** What this host has to share out. */
export interface HostCapacity {
  readonly memoryMib: number
  /** Free where the layers are kept. */
  readonly diskMib: number
}

export async function readHostCapacity(stateDirectory: string): Promise<HostCapacity> {
  const { bavail, bsize } = await statfs(stateDirectory)
  const memoryBytes = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY)
  return { memoryMib: Math.floor(memoryBytes / MIB), diskMib: Math.floor((bavail * bsize) / MIB) }
}

/** The hard limit on open files, which the launcher and all sandboxes inherit. */
export async function readOpenFilesMax(): Promise<number | undefined> {
  const text = await readFile('/proc/self/limits', 'utf8').catch(() => '')
  return parseOpenFilesMax(text)
}

export function parseOpenFilesMax(text: string): number | undefined {
  const hard = /^Max open files\s+\S+\s+(\d+)/m.exec(text)?.[1]
  return hard === undefined ? undefined : Number(hard)
}
