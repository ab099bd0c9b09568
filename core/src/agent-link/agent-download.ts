// SPDX-License-Identifier: Apache-2.0
import { Channel, FLAG_BROKEN, type Frame, FrameType, IsolaError } from '@isola/protocol'
import type { Operation } from '../operation/operation.ts'
import { acceptResult, type AgentLink, agentFailureCodes } from './agent-link.ts'
import { type Exchange, type FrameLink, ProtocolBreach } from './frame-link.ts'
import { grantCredit } from './grant-credit.ts'
import { InboundStream } from './inbound-stream.ts'
import { encodeRequest, readResponse } from './send-request.ts'
import { failureFrom, parseJson } from './wire-json.ts'

type DownloadOperation = 'file.read' | 'file.list'

export interface Download<Result> {
  readonly result: Result
  readonly bytes: InboundStream
}

/** A request whose response is followed by a stream of bytes. A reader that leaves early cancels it. */
export async function startDownload<Op extends DownloadOperation>(
  agent: AgentLink,
  op: Op,
  params: object,
  operation: Operation,
): Promise<Download<ReturnType<typeof acceptResult<Op>>>> {
  const payload = encodeRequest(op, params)
  operation.check()
  const exchange = new DownloadExchange(agent.frames, op)
  agent.frames.send({ type: FrameType.request, id: exchange.id, payload })
  operation.log(`sent ${op}`)
  try {
    const result = await operation.race(exchange.response)
    return { result: result as ReturnType<typeof acceptResult<Op>>, bytes: exchange.bytes }
  } catch (error) {
    if (operation.signal.aborted) exchange.cancel()
    throw error
  }
}

class DownloadExchange implements Exchange {
  readonly id: number
  readonly response: Promise<unknown>
  readonly bytes: InboundStream
  readonly #link: FrameLink
  readonly #op: DownloadOperation
  #resolve!: (result: unknown) => void
  #reject!: (error: Error) => void
  #answered = false

  constructor(link: FrameLink, op: DownloadOperation) {
    this.#link = link
    this.#op = op
    this.response = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.response.catch(() => {})
    this.id = link.open(this)
    this.bytes = new InboundStream({
      grant: (bytes) => grantCredit(link, this.id, Channel.output, bytes),
      abandoned: () => this.cancel(),
    })
  }

  cancel(): void {
    this.#link.send({ type: FrameType.cancel, id: this.id })
    this.#link.abandon(this.id)
  }

  onFrame(frame: Frame): boolean {
    if (frame.type === FrameType.response) return this.#onResponse(frame)
    if (!this.#answered) throw new ProtocolBreach(`frame of type ${frame.type} before the response to ${this.#op}`)
    if (frame.channel !== Channel.output) throw new ProtocolBreach(`${this.#op} on channel ${frame.channel}`)
    if (frame.type === FrameType.data) {
      this.bytes.push(frame.payload)
      return false
    }
    if (frame.type !== FrameType.end) throw new ProtocolBreach(`frame of type ${frame.type} in answer to ${this.#op}`)
    this.bytes.end(this.#breakOff(frame))
    return true
  }

  onClose(error: IsolaError): void {
    this.#reject(error)
    this.bytes.end(error)
  }

  #onResponse(frame: Frame): boolean {
    if (this.#answered) throw new ProtocolBreach(`a second response to ${this.#op}`)
    this.#answered = true
    const result = readResponse(frame, this.#op, agentFailureCodes(this.#op))
    if (result instanceof IsolaError) {
      this.onClose(result)
      return true
    }
    this.#resolve(acceptResult(this.#op, result))
    return false
  }

  #breakOff(frame: Frame): IsolaError | undefined {
    if ((frame.flags & FLAG_BROKEN) === 0) return undefined
    const what = `end of ${this.#op}`
    return failureFrom(parseJson(frame.payload, what), agentFailureCodes(this.#op), what)
  }
}
