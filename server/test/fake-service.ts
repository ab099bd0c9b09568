// SPDX-License-Identifier: Apache-2.0
import type {
  ByteSource,
  FileDownload,
  LiveProcess,
  Operation,
  SandboxQuery,
  SandboxRecord,
  SandboxService,
} from '@isola/core'
import { type CreateSandboxParsed, IsolaError, type Network, type ProcessSpec } from '@isola/protocol'
import { FakeProcess } from './fake-process.ts'
import { sandboxRecord } from './sandbox-record.ts'

/** The domain without sandboxes: remembers what it was asked, answers what the test wants. */
export class FakeService implements SandboxService {
  readonly records = new Map<string, SandboxRecord>()
  readonly calls: { op: string; sandbox: string; request: unknown }[] = []
  readonly created: { request: CreateSandboxParsed; key: string | undefined; operation: Operation }[] = []
  readonly started: ProcessSpec[] = []
  readonly startedIn: string[] = []
  readonly destroyed: string[] = []
  readonly uploads: { request: unknown; content: string }[] = []
  /** Claims that are held now. */
  claims = 0
  /** What was ever claimed. */
  readonly claimed: string[] = []
  process = new FakeProcess()
  fail: Error | undefined
  result: unknown = {}
  download: FileDownload | undefined
  listing: ByteSource | undefined
  /** Takes over `create`, for creates that take their time. */
  onCreate: ((operation: Operation) => Promise<void>) | undefined
  /** Takes over `writeFile`. */
  onWrite: ((content: ByteSource) => Promise<{ size: number }>) | undefined
  onDestroy: (() => Promise<void>) | undefined

  add(change: Partial<SandboxRecord> = {}): SandboxRecord {
    const record = sandboxRecord(change)
    this.records.set(record.id, record)
    return record
  }

  async create(request: CreateSandboxParsed, operation: Operation, key?: string): Promise<SandboxRecord> {
    this.created.push({ request, key, operation })
    await this.onCreate?.(operation)
    this.#failIfAsked()
    return this.add({ name: request.name ?? null, labels: request.labels })
  }

  async setNetwork(idOrName: string, network: Network): Promise<SandboxRecord> {
    const record = { ...this.get(idOrName), network }
    this.records.set(record.id, record)
    return record
  }

  get(idOrName: string): SandboxRecord {
    this.#failIfAsked()
    const record = this.records.get(idOrName) ?? [...this.records.values()].find(({ name }) => name === idOrName)
    if (record === undefined) throw new IsolaError('sandbox.not_found', `there is no sandbox ${idOrName}`)
    return record
  }

  list({ after, limit, state, name, labels }: SandboxQuery): readonly SandboxRecord[] {
    return [...this.records.values()]
      .filter((record) => after === undefined || `${record.createdAt} ${record.id}` > after)
      .filter((record) => state === undefined || record.state === state)
      .filter((record) => name === undefined || record.name === name)
      .filter((record) => Object.entries(labels ?? {}).every(([key, value]) => record.labels[key] === value))
      .slice(0, limit)
  }

  async destroy(idOrName: string): Promise<void> {
    await this.onDestroy?.()
    const { id } = this.get(idOrName)
    this.records.delete(id)
    this.destroyed.push(id)
  }

  async call(sandbox: string, op: string, request: unknown): Promise<never> {
    this.calls.push({ op, sandbox, request })
    this.#failIfAsked()
    return this.result as never
  }

  async startProcess(sandbox: string, spec: ProcessSpec): Promise<LiveProcess> {
    this.started.push(spec)
    this.startedIn.push(sandbox)
    this.#failIfAsked()
    return this.process
  }

  async readFile(): Promise<FileDownload> {
    this.#failIfAsked()
    return this.download as FileDownload
  }

  async writeFile(_sandbox: string, request: unknown, content: ByteSource): Promise<{ size: number }> {
    this.#failIfAsked()
    if (this.onWrite !== undefined) return this.onWrite(content)
    const chunks: Uint8Array[] = []
    for await (const chunk of content) chunks.push(chunk)
    const whole = Buffer.concat(chunks)
    this.uploads.push({ request, content: whole.toString() })
    return { size: whole.length }
  }

  async listFiles(): Promise<ByteSource> {
    this.#failIfAsked()
    return this.listing as ByteSource
  }

  claim(idOrName: string): () => void {
    this.claimed.push(this.get(idOrName).id)
    this.claims += 1
    return () => {
      this.claims -= 1
    }
  }

  #failIfAsked(): void {
    if (this.fail !== undefined) throw this.fail
  }
}
