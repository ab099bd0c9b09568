// SPDX-License-Identifier: Apache-2.0
import type { CreateSandbox, FileEntry, Sandbox } from '@isola/protocol'

export interface FakeFile {
  readonly entry: FileEntry
  readonly content: Uint8Array
}

/** A sandbox of the fake server: a record, and files in a map. */
export interface FakeSandbox {
  readonly info: Sandbox
  readonly files: Map<string, FakeFile>
}

export function fakeSandbox(number: number, request: CreateSandbox): FakeSandbox {
  const at = new Date(1_700_000_000_000 + number * 1000).toISOString()
  return {
    files: new Map(),
    info: {
      id: `sb${String(number).padStart(18, '0')}`,
      name: request.name ?? null,
      state: 'running',
      desiredState: 'running',
      template: request.template ?? 'host',
      driver: 'fake',
      isolation: 'fake (nothing is isolated)',
      labels: request.labels ?? {},
      resources: request.resources ?? {},
      workdir: request.workdir ?? '/home/user',
      ephemeral: request.ephemeral ?? false,
      network: 'none',
      run: { id: 'rn000000000000000001', startedAt: at, agentGeneration: 1, users: 'range' },
      createdAt: at,
      transitions: [{ at, from: null, to: 'running', reason: 'created' }],
    },
  }
}

export function fakeFile(path: string, content: Uint8Array | string, mode = 0o644): FakeFile {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  return { content: bytes, entry: fakeEntry(path, { type: 'file', size: bytes.length, mode }) }
}

export function fakeEntry(path: string, fields: Partial<FileEntry>): FileEntry {
  const name = path.slice(path.lastIndexOf('/') + 1)
  return { name, path, type: 'file', size: 0, mode: 0o755, uid: 1000, gid: 1000, mtimeMs: 1_700_000_000_000, ...fields }
}
