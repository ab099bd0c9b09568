// SPDX-License-Identifier: Apache-2.0
import { createHmac, randomBytes } from 'node:crypto'
import {
  Channel,
  encodeFrame,
  type Frame,
  FrameReader,
  FrameType,
  MAX_DATA_PAYLOAD_BYTES,
  proofMessage,
  SendWindow,
} from '@isola/protocol'
import type { MemoryEnd } from './memory-channel.ts'

type Json = Record<string, unknown>
export type FakeOperation = (agent: FakeAgent, id: number, request: Json) => void

/** A fake agent: the real frames and handshake, scripted operations. It can also be told to misbehave. */
export class FakeAgent {
  readonly requests: { id: number; request: Json }[] = []
  readonly cancelled = new Set<number>()
  readonly input = new Map<number, { bytes: Uint8Array[]; ended: boolean }>()
  readonly operations = new Map<string, FakeOperation>()
  epoch = 0
  isAuthenticated = false
  /** Set to answer the greeting in another way. */
  greetBack: ((agent: FakeAgent) => void) | undefined
  /** Set to answer the greeting with a proof made from another key. */
  proofKey: Uint8Array
  readonly #key: Uint8Array
  readonly #channel: MemoryEnd
  readonly #reader = new FrameReader('strict')
  readonly #windows = new Map<string, { window: SendWindow; wake: (() => void)[] }>()
  readonly #nonce = new Uint8Array(randomBytes(32))
  #hostNonce = new Uint8Array(32)

  constructor(channel: MemoryEnd, key: Uint8Array) {
    this.#channel = channel
    this.#key = key
    this.proofKey = key
    channel.onData((chunk) => {
      for (const frame of this.#reader.push(chunk)) this.#onFrame(frame)
    })
    for (const op of ['personalise', 'file.mkdir', 'file.remove', 'file.move', 'process.signal', 'process.resize']) {
      this.operations.set(op, (agent, id) => agent.respond(id, {}))
    }
    this.operations.set('agent.info', (agent, id) =>
      agent.respond(id, { version: '0.0.0', generation: 1, personalised: true, processes: 0 }),
    )
  }

  send(frame: Pick<Frame, 'type' | 'id'> & Partial<Frame>): void {
    this.#channel.write(encodeFrame({ epoch: this.epoch, ...frame }))
  }

  sendRaw(bytes: Uint8Array): void {
    this.#channel.write(bytes)
  }

  sendJson(type: FrameType, id: number, value: unknown): void {
    this.send({ type, id, payload: new TextEncoder().encode(JSON.stringify(value)) })
  }

  respond(id: number, result: Json): void {
    this.sendJson(FrameType.response, id, { ok: true, ...result })
  }

  fail(id: number, code: string, message: string, context: Json = {}): void {
    this.sendJson(FrameType.response, id, { ok: false, error: { code, message, context } })
  }

  exited(id: number, change: Json = {}): void {
    this.send({ type: FrameType.end, id, channel: Channel.output })
    this.send({ type: FrameType.end, id, channel: Channel.error })
    const exit = { exitCode: 0, signal: null, timedOut: false, oomKilled: false, outputCapped: false }
    const counts = { durationMs: 1, stdoutBytes: 0, stderrBytes: 0, droppedBytes: 0 }
    this.sendJson(FrameType.event, id, { event: 'exited', ...exit, ...counts, ...change })
  }

  /** Sends as an honest agent does: never beyond the credit. */
  async stream(id: number, channel: number, bytes: Uint8Array): Promise<void> {
    const flow = this.#window(id, channel)
    for (let offset = 0; offset < bytes.length; ) {
      const size = Math.min(MAX_DATA_PAYLOAD_BYTES, flow.window.availableBytes, bytes.length - offset)
      if (size === 0) {
        await new Promise<void>((resolve) => flow.wake.push(resolve))
        continue
      }
      flow.window.spend(size)
      this.send({ type: FrameType.data, id, channel, payload: bytes.subarray(offset, offset + size) })
      offset += size
    }
  }

  close(): void {
    this.#channel.close()
  }

  #window(id: number, channel: number): { window: SendWindow; wake: (() => void)[] } {
    const key = `${id}/${channel}`
    const known = this.#windows.get(key) ?? { window: new SendWindow(), wake: [] }
    this.#windows.set(key, known)
    return known
  }

  #onFrame(frame: Frame): void {
    if (frame.type === FrameType.hello) return this.#greet(frame)
    if (frame.type === FrameType.auth) return this.#authenticate(frame)
    if (!this.isAuthenticated) return this.close()
    if (frame.type === FrameType.ping) return this.send({ type: FrameType.pong, id: 0, payload: frame.payload })
    if (frame.type === FrameType.cancel) this.cancelled.add(frame.id)
    else if (frame.type === FrameType.credit) this.#onCredit(frame)
    else if (frame.type === FrameType.data) this.#inputOf(frame.id).bytes.push(frame.payload.slice())
    else if (frame.type === FrameType.end) this.#inputOf(frame.id).ended = true
    else if (frame.type === FrameType.request) this.#onRequest(frame)
  }

  #onCredit(frame: Frame): void {
    const flow = this.#window(frame.id, frame.channel)
    flow.window.grant(new DataView(frame.payload.buffer, frame.payload.byteOffset).getUint32(0))
    for (const wake of flow.wake.splice(0)) wake()
  }

  #inputOf(id: number): { bytes: Uint8Array[]; ended: boolean } {
    const known = this.input.get(id) ?? { bytes: [], ended: false }
    this.input.set(id, known)
    return known
  }

  #onRequest(frame: Frame): void {
    const request = parse(frame)
    this.requests.push({ id: frame.id, request })
    const operation = this.operations.get(String(request['op']))
    if (operation === undefined) this.fail(frame.id, 'request.unknown_operation', `unknown ${String(request['op'])}`)
    else operation(this, frame.id, request)
  }

  #greet(frame: Frame): void {
    this.epoch = frame.epoch
    if (this.greetBack !== undefined) return this.greetBack(this)
    this.#hostNonce = new Uint8Array(Buffer.from(String(parse(frame)['nonce']), 'hex'))
    const proof = mac(this.proofKey, proofMessage('agent', this.epoch, this.#hostNonce, this.#nonce))
    const nonce = Buffer.from(this.#nonce).toString('hex')
    this.sendJson(FrameType.hello, 0, { generation: 1, role: 'agent', version: '0.0.0', nonce, proof })
  }

  #authenticate(frame: Frame): void {
    const expected = mac(this.#key, proofMessage('host', this.epoch, this.#hostNonce, this.#nonce))
    this.isAuthenticated = parse(frame)['proof'] === expected
    if (!this.isAuthenticated) this.close()
  }
}

function parse(frame: Frame): Json {
  return JSON.parse(Buffer.from(frame.payload).toString()) as Json
}

function mac(key: Uint8Array, message: Uint8Array): string {
  return createHmac('sha256', key).update(message).digest('hex')
}
