// SPDX-License-Identifier: Apache-2.0
import type { Duplex } from 'node:stream'
import { type Journal, type LiveProcess, Operation, type SandboxService } from '@isola/core'
import { Channel, FLAG_BROKEN, type Frame, FrameType, IsolaError, StartProcess } from '@isola/protocol'
import { toIsolaError } from '../http/error-response.ts'
import { parseInput } from '../http/parse-input.ts'
import { parseJson } from '../http/request-body.ts'
import type { Waits } from '../http/waits.ts'
import { FrameSocket, StreamBreach } from './frame-socket.ts'
import { OutputRelay } from './output-relay.ts'
import { processSpec } from './process-spec.ts'
import { StdinRelay } from './stdin-relay.ts'
import { answerStreamRequest } from './stream-request.ts'

const PROCESS = 1
const MAX_PENDING_REQUESTS = 16

export interface ProcessStreamDeps {
  readonly service: SandboxService
  readonly journal: Journal
  readonly waits: Waits
}

/**
 * A process and the connection it lives on: when one ends, so does the other. Resolves when both
 * are over, and the sandbox too if the client asked for that.
 */
export class ProcessStream {
  readonly #deps: ProcessStreamDeps
  readonly #sandboxId: string
  readonly #frames: FrameSocket
  readonly #away = new AbortController()
  readonly #first = Promise.withResolvers<Uint8Array>()
  readonly #gone = Promise.withResolvers<never>()
  readonly #stdin: StdinRelay
  readonly #outputs: { readonly [channel: number]: OutputRelay }
  readonly #pending = new Map<number, Promise<void>>()
  #live: LiveProcess | undefined
  #hasRequest = false
  #isCancelled = false
  #hasExited = false

  /** `sandboxId`, not its name: that may be another's by the time the stream ends. */
  constructor(deps: ProcessStreamDeps, sandboxId: string, socket: Duplex) {
    this.#deps = deps
    this.#sandboxId = sandboxId
    this.#frames = new FrameSocket(socket, {
      onFrame: (frame) => this.#onFrame(frame),
      onClose: (error) => this.#onClose(error),
    })
    this.#stdin = new StdinRelay(this.#frames, PROCESS)
    this.#outputs = {
      [Channel.output]: new OutputRelay(this.#frames, PROCESS, Channel.output),
      [Channel.error]: new OutputRelay(this.#frames, PROCESS, Channel.error),
    }
    this.#first.promise.catch(() => {})
    this.#gone.promise.catch(() => {})
  }

  async serve(head: Uint8Array): Promise<void> {
    let destroysSandbox = false
    try {
      this.#frames.start(head)
      const request = parseJson(await this.#firstRequest())
      destroysSandbox = (request as { destroySandbox?: unknown } | null)?.destroySandbox === true
      await this.#follow(await this.#start(request))
    } catch (error) {
      this.#tellFailure(error)
    } finally {
      if (!this.#hasExited) this.#live?.kill()
      if (destroysSandbox) await this.#destroySandbox()
      this.#frames.end()
      this.#stdin.stop()
    }
  }

  async #firstRequest(): Promise<Uint8Array> {
    const { firstFrameMs } = this.#deps.waits
    const timer = setTimeout(() => {
      this.#first.reject(new IsolaError('request.timed_out', `stream: no request within ${firstFrameMs} ms`))
    }, firstFrameMs)
    try {
      return await this.#first.promise
    } finally {
      clearTimeout(timer)
    }
  }

  async #start(request: unknown): Promise<LiveProcess> {
    const spec = processSpec(parseInput('body', StartProcess, request))
    if (!spec.stdin) this.#stdin.refuse()
    const operation = new Operation('start process', { signal: this.#away.signal, timeoutMs: this.#deps.waits.callMs })
    const live = await this.#deps.service.startProcess(this.#sandboxId, spec, operation)
    this.#live = live
    if (this.#isCancelled) live.kill()
    this.#frames.sendJson(FrameType.response, PROCESS, { ok: true, processId: live.processId, pid: live.pid })
    if (spec.stdin) void this.#stdin.feed(live)
    return live
  }

  async #follow(live: LiveProcess): Promise<void> {
    const outputs = [this.#output(Channel.output).relay(live.stdout), this.#output(Channel.error).relay(live.stderr)]
    // Without the race a sandbox that no longer answers would keep this waiting for a client that has gone.
    const [exit] = await Promise.race([Promise.all([live.exit, ...outputs]), this.#gone.promise])
    this.#hasExited = true
    // The client leaves when it has seen the end, so what it asked before is answered before.
    await Promise.all(this.#pending.values())
    this.#frames.sendJson(FrameType.event, PROCESS, exit)
  }

  #onFrame(frame: Frame): void {
    if (frame.type === FrameType.ping)
      return this.#frames.send({ type: FrameType.pong, id: frame.id, payload: frame.payload })
    if (frame.type === FrameType.pong) return
    if (frame.type === FrameType.request && frame.id !== PROCESS) return this.#onRequest(frame)
    if (frame.id !== PROCESS) throw new StreamBreach(`frame of type ${frame.type} for ${frame.id}`)
    switch (frame.type) {
      case FrameType.request:
        if (this.#hasRequest) throw new StreamBreach('a second process on one stream')
        this.#hasRequest = true
        return this.#first.resolve(frame.payload)
      case FrameType.data:
        if (frame.channel !== Channel.input) throw new StreamBreach(`data on channel ${frame.channel}`)
        return this.#stdin.push(frame.payload)
      case FrameType.end:
        return this.#stdin.end()
      case FrameType.credit:
        return this.#output(frame.channel).grant(frame.payload)
      case FrameType.cancel:
        // Before the process is there it is killed as soon as it is.
        this.#isCancelled = true
        return this.#live?.kill()
      default:
        throw new StreamBreach(`frame of type ${frame.type}`)
    }
  }

  #onRequest({ id, payload }: Frame): void {
    if (this.#live === undefined) throw new StreamBreach('a request before the process was started')
    if (id === 0 || this.#pending.has(id)) throw new StreamBreach(`request id ${id} is taken`)
    if (this.#pending.size >= MAX_PENDING_REQUESTS) throw new StreamBreach('too many requests at once')
    const { processId } = this.#live
    const { service, waits } = this.#deps
    const operation = new Operation('stream request', { signal: this.#away.signal, timeoutMs: waits.callMs })
    const answered = answerStreamRequest(service, this.#sandboxId, processId, payload, operation)
      .then(
        () => ({ ok: true }),
        (error: unknown) => this.#failure(error),
      )
      .then((answer) => {
        this.#pending.delete(id)
        this.#frames.sendJson(FrameType.response, id, answer)
      })
    this.#pending.set(id, answered)
  }

  #onClose(error: Error): void {
    this.#away.abort()
    this.#first.reject(error)
    this.#gone.reject(error)
    this.#stdin.stop()
    if (!this.#hasExited) this.#live?.kill()
  }

  /** Before the process runs as the answer to its request, afterwards as a broken end of its output. */
  #tellFailure(error: unknown): void {
    if (this.#frames.isClosed) return
    const failure = this.#failure(error)
    if (this.#live === undefined) this.#frames.sendJson(FrameType.response, PROCESS, failure)
    else this.#frames.sendJson(FrameType.end, PROCESS, failure.error, FLAG_BROKEN, Channel.output)
  }

  async #destroySandbox(): Promise<void> {
    try {
      const operation = new Operation('destroy sandbox', { timeoutMs: this.#deps.waits.destroyMs })
      await this.#deps.service.destroy(this.#sandboxId, 'its process stream ended', operation)
    } catch (error) {
      if (IsolaError.is(error) && error.code === 'sandbox.not_found') return
      this.#deps.journal.warn('a sandbox outlived its stream', { sandbox: this.#sandboxId, error: String(error) })
    }
  }

  #output(channel: number): OutputRelay {
    const output = this.#outputs[channel]
    if (output === undefined) throw new StreamBreach(`nothing comes out on channel ${channel}`)
    return output
  }

  #failure(error: unknown): { ok: false; error: ReturnType<IsolaError['toBody']>['error'] } {
    return { ok: false, ...toIsolaError(error, 'process stream', this.#deps.journal).toBody() }
  }
}
