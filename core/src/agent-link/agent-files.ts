// SPDX-License-Identifier: Apache-2.0
import { type AgentRequest, IsolaError } from '@isola/protocol'
import type { Operation } from '../operation/operation.ts'
import type { ByteSource, FileDownload } from '../sandbox/sandbox-service.ts'
import { startDownload } from './agent-download.ts'
import type { AgentLink } from './agent-link.ts'
import { checkedEntryLines } from './entry-lines.ts'
import { ProtocolBreach } from './frame-link.ts'

export async function readAgentFile(
  agent: AgentLink,
  request: AgentRequest<'file.read'>,
  operation: Operation,
): Promise<FileDownload> {
  const { result, bytes } = await startDownload(agent, 'file.read', request, operation)
  return { ...result, bytes }
}

export async function listAgentFiles(
  agent: AgentLink,
  request: AgentRequest<'file.list'>,
  operation: Operation,
): Promise<ByteSource> {
  const { bytes } = await startDownload(agent, 'file.list', request, operation)
  return endingLinkOnBreach(agent, checkedEntryLines(bytes))
}

async function* endingLinkOnBreach(agent: AgentLink, lines: ByteSource): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* lines
  } catch (error) {
    if (!(error instanceof ProtocolBreach)) throw error
    const failure = new IsolaError('agent.protocol', `the agent broke the protocol: ${error.message}`, { cause: error })
    agent.frames.close(failure)
    throw failure
  }
}
