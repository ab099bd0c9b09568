// SPDX-License-Identifier: Apache-2.0
// The interface every front (REST, gateways) uses; see create-sandbox.ts and its siblings for what happens.
import type {
  AgentOperation,
  AgentRequest,
  AgentResult,
  CreateSandboxParsed,
  Network,
  ProcessExit,
  ProcessSpec,
} from '@isola/protocol'
import type { Operation } from '../operation/operation.ts'
import type { SandboxQuery, SandboxRecord } from '../ports/store.ts'

/** Bytes of one direction. Back-pressure: `next` is called, and credit returned, only when the last chunk was taken. */
export type ByteSource = AsyncIterable<Uint8Array>

/** A started process; the three streams have independent credit. */
export interface LiveProcess {
  readonly processId: string
  readonly pid: number
  readonly stdout: ByteSource
  readonly stderr: ByteSource
  /** Resolves when the process has taken room for the chunk. */
  writeStdin(chunk: Uint8Array): Promise<void>
  endStdin(): void
  /** SIGKILL to its group. */
  kill(): void
  readonly exit: Promise<ProcessExit>
}

export interface FileDownload {
  readonly size: number
  readonly mode: number
  readonly mtimeMs: number
  readonly bytes: ByteSource
}

export interface SandboxService {
  create(request: CreateSandboxParsed, operation: Operation, idempotencyKey?: string): Promise<SandboxRecord>
  /** @throws sandbox.not_found */
  get(idOrName: string): SandboxRecord
  list(query: SandboxQuery): readonly SandboxRecord[]
  destroy(idOrName: string, reason: string, operation: Operation): Promise<void>
  /** What may leave from now on; open connections that it does not allow are reset. */
  setNetwork(idOrName: string, network: Network, operation: Operation): Promise<SandboxRecord>

  /** One request to the agent of a running sandbox, its result validated. */
  call<Op extends AgentOperation>(
    idOrName: string,
    op: Op,
    request: AgentRequest<Op>,
    operation: Operation,
  ): Promise<AgentResult<Op>>
  startProcess(idOrName: string, spec: ProcessSpec, operation: Operation): Promise<LiveProcess>
  readFile(idOrName: string, request: AgentRequest<'file.read'>, operation: Operation): Promise<FileDownload>
  writeFile(
    idOrName: string,
    request: AgentRequest<'file.write'>,
    content: ByteSource,
    operation: Operation,
  ): Promise<{ size: number }>
  /** NDJSON lines as they come from the agent; validated entry by entry. */
  listFiles(idOrName: string, request: AgentRequest<'file.list'>, operation: Operation): Promise<ByteSource>

  /** Marks an ephemeral sandbox as in use, so that it is not collected; returns the release. */
  claim(idOrName: string): () => void
}
