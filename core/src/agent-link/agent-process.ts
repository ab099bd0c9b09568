// SPDX-License-Identifier: Apache-2.0
import {
  type AgentRequest,
  Channel,
  type Frame,
  FrameType,
  IsolaError,
  ProcessExit,
  type ProcessSpec,
} from '@isola/protocol'
import type { Operation } from '../operation/operation.ts'
import type { LiveProcess } from '../sandbox/sandbox-service.ts'
import { acceptResult, type AgentLink, agentFailureCodes } from './agent-link.ts'
import { type Exchange, type FrameLink, ProtocolBreach } from './frame-link.ts'
import { grantCredit } from './grant-credit.ts'
import { InboundStream } from './inbound-stream.ts'
import { OutboundStream } from './outbound-stream.ts'
import { encodeRequest, readResponse } from './send-request.ts'
import { parseJson, parseShape } from './wire-json.ts'

/**
 * Starts a process and stays with it. `operation` bounds the start only: afterwards the process
 * lives until it ends, is killed, or the link breaks.
 */
export async function startAgentProcess(
  agent: AgentLink,
  spec: ProcessSpec,
  operation: Operation,
): Promise<LiveProcess> {
  const payload = encodeRequest('process.start', spec satisfies AgentRequest<'process.start'>)
  operation.check()
  const exchange = new ProcessExchange(agent.frames, spec.processId)
  agent.frames.send({ type: FrameType.request, id: exchange.id, payload })
  operation.log(`asked to start ${spec.argv[0]}`)
  try {
    const pid = await operation.race(exchange.started)
    return exchange.toProcess(pid)
  } catch (error) {
    if (operation.signal.aborted) exchange.kill()
    throw IsolaError.is(error) ? explainStart(spec, error) : error
  }
}

/** What the agent cannot know of a start that failed: what was meant. */
function explainStart(spec: ProcessSpec, error: IsolaError): IsolaError {
  const { code, message, context } = error
  if (code === 'process.cwd_not_found' && spec.cwd != null)
    return new IsolaError(code, `${message}: ${spec.cwd}`, { context })
  // A shell's line given as the name of a program, the most usual way not to find one.
  if (code === 'process.program_not_found' && /\s/.test(spec.argv[0] ?? '')) {
    const hint = 'give the program and its arguments apart, or the whole line to `sh -c`'
    return new IsolaError(code, message, { hint, context })
  }
  return error
}

class ProcessExchange implements Exchange {
  readonly id: number
  readonly started: Promise<number>
  readonly #link: FrameLink
  readonly #processId: string
  readonly #output: { readonly [channel: number]: InboundStream }
  readonly #input: OutboundStream
  readonly #exit: Promise<ProcessExit>
  #resolveStarted!: (pid: number) => void
  #rejectStarted!: (error: Error) => void
  #resolveExit!: (exit: ProcessExit) => void
  #rejectExit!: (error: Error) => void
  #isStarted = false

  constructor(link: FrameLink, processId: string) {
    this.#link = link
    this.#processId = processId
    this.started = new Promise((resolve, reject) => {
      this.#resolveStarted = resolve
      this.#rejectStarted = reject
    })
    this.#exit = new Promise((resolve, reject) => {
      this.#resolveExit = resolve
      this.#rejectExit = reject
    })
    // Callers may look at one of them only; a failure of the other is no accident.
    this.started.catch(() => {})
    this.#exit.catch(() => {})
    this.id = link.open(this)
    this.#input = new OutboundStream(link, this.id)
    this.#output = { [Channel.output]: this.#inbound(Channel.output), [Channel.error]: this.#inbound(Channel.error) }
  }

  toProcess(pid: number): LiveProcess {
    return {
      processId: this.#processId,
      pid,
      stdout: this.#stream(Channel.output),
      stderr: this.#stream(Channel.error),
      writeStdin: (chunk) => this.#input.write(chunk),
      endStdin: () => this.#input.end(),
      kill: () => this.kill(),
      exit: this.#exit,
    }
  }

  kill(): void {
    this.#link.send({ type: FrameType.cancel, id: this.id })
  }

  onFrame(frame: Frame): boolean {
    switch (frame.type) {
      case FrameType.response:
        return this.#onResponse(frame)
      case FrameType.data:
        this.#stream(frame.channel).push(frame.payload)
        return false
      case FrameType.end:
        this.#stream(frame.channel).end()
        return false
      case FrameType.credit:
        this.#input.grant(frame.payload)
        return false
      case FrameType.event:
        return this.#onEvent(frame)
      default:
        throw new ProtocolBreach(`frame of type ${frame.type} on a process`)
    }
  }

  onClose(error: IsolaError): void {
    this.#rejectStarted(error)
    this.#rejectExit(error)
    this.#endStreams(error)
  }

  #onResponse(frame: Frame): boolean {
    if (this.#isStarted) throw new ProtocolBreach('a second response to process.start')
    const result = readResponse(frame, 'process.start', agentFailureCodes('process.start'))
    if (result instanceof IsolaError) {
      this.onClose(result)
      return true
    }
    this.#isStarted = true
    this.#resolveStarted(acceptResult('process.start', result).pid)
    return false
  }

  #onEvent(frame: Frame): boolean {
    if (!this.#isStarted) throw new ProtocolBreach('a process ended before it started')
    const exit = parseShape(ProcessExit, parseJson(frame.payload, 'process event'), 'process event')
    this.#endStreams()
    this.#resolveExit(exit)
    return true
  }

  #endStreams(error?: IsolaError): void {
    this.#input.stop(error)
    this.#stream(Channel.output).end(error)
    this.#stream(Channel.error).end(error)
  }

  #stream(channel: number): InboundStream {
    const stream = this.#output[channel]
    if (stream === undefined) throw new ProtocolBreach(`output on channel ${channel}`)
    return stream
  }

  #inbound(channel: number): InboundStream {
    return new InboundStream({
      grant: (bytes) => grantCredit(this.#link, this.id, channel, bytes),
      // A reader that leaves does not end the process; what it writes goes nowhere.
      abandoned: () => {},
    })
  }
}
