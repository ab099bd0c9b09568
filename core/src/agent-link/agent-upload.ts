// SPDX-License-Identifier: Apache-2.0
import { type AgentRequest, type Frame, FrameType, IsolaError } from '@isola/protocol'
import type { Operation } from '../operation/operation.ts'
import type { ByteSource } from '../sandbox/sandbox-service.ts'
import { acceptResult, type AgentLink, agentFailureCodes } from './agent-link.ts'
import { type Exchange, type FrameLink, ProtocolBreach } from './frame-link.ts'
import { OutboundStream } from './outbound-stream.ts'
import { encodeRequest, readResponse } from './send-request.ts'

/**
 * Streams `content` into a file, which appears whole or not at all. When the content breaks off,
 * or the operation ends first, the agent is told to throw away what it has.
 */
export async function uploadFile(
  agent: AgentLink,
  request: AgentRequest<'file.write'>,
  content: ByteSource,
  operation: Operation,
): Promise<{ size: number }> {
  const payload = encodeRequest('file.write', request)
  operation.check()
  const exchange = new UploadExchange(agent.frames)
  agent.frames.send({ type: FrameType.request, id: exchange.id, payload })
  operation.log(`sent file.write ${request.path}`)
  try {
    return await operation.race(exchange.run(content))
  } catch (error) {
    exchange.cancel()
    throw error
  }
}

class UploadExchange implements Exchange {
  readonly id: number
  readonly #link: FrameLink
  readonly #response: Promise<{ size: number }>
  readonly #input: OutboundStream
  #resolve!: (result: { size: number }) => void
  #reject!: (error: Error) => void
  #over = false

  constructor(link: FrameLink) {
    this.#link = link
    this.#response = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#response.catch(() => {})
    this.id = link.open(this)
    this.#input = new OutboundStream(link, this.id)
  }

  /** A refusal that comes while the content is still being sent ends the sending. */
  run(content: ByteSource): Promise<{ size: number }> {
    const sent = this.#sendAll(content)
    return Promise.race([this.#response, sent.then(() => this.#response)])
  }

  cancel(): void {
    if (this.#over) return
    this.#over = true
    this.#input.stop()
    this.#link.send({ type: FrameType.cancel, id: this.id })
    this.#link.abandon(this.id)
  }

  onFrame(frame: Frame): boolean {
    if (frame.type === FrameType.credit) {
      this.#input.grant(frame.payload)
      return false
    }
    if (frame.type !== FrameType.response)
      throw new ProtocolBreach(`frame of type ${frame.type} in answer to file.write`)
    const result = readResponse(frame, 'file.write', agentFailureCodes('file.write'))
    if (result instanceof IsolaError) this.onClose(result)
    else {
      const accepted = acceptResult('file.write', result)
      this.#over = true
      this.#input.stop()
      this.#resolve(accepted)
    }
    return true
  }

  onClose(error: IsolaError): void {
    this.#over = true
    this.#reject(error)
    this.#input.stop(error)
  }

  async #sendAll(content: ByteSource): Promise<void> {
    for await (const chunk of content) {
      if (this.#over) return
      await this.#input.write(chunk)
    }
    this.#input.end()
  }
}
