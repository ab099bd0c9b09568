// SPDX-License-Identifier: Apache-2.0
import { createHmac, randomBytes } from 'node:crypto'
import { type AgentLink, openAgentLink } from '../../core/src/agent-link/agent-link.ts'
import { type ByteChannel, Operation, type Random } from '@isola/core'
import { encodeFrame, type Frame, FrameReader, FrameType, proofMessage } from '@isola/protocol'

export const KEY = randomBytes(32)

const random: Random = {
  bytes: (size) => new Uint8Array(randomBytes(size)),
  hmacSha256: (key, message) => new Uint8Array(createHmac('sha256', key).update(message).digest()),
}

/** The agent's end of a channel, in the hands of an attacker: it may send any bytes at any time. */
export class FakeAgent {
  epoch = 0
  isClosed = false
  /** Requests that the host made, as they came. */
  readonly requests: Frame[] = []
  /** What was written while the host was told to wait. */
  writtenWhileBlocked = 0
  #hostNonce = new Uint8Array(32)
  readonly #reader = new FrameReader('strict')
  #toHost: (chunk: Uint8Array) => void = () => {}
  #closeHost: (error?: Error) => void = () => {}
  #onRequest: (frame: Frame) => void = () => {}

  /** The host's end. */
  readonly channel: ByteChannel = {
    write: (chunk) => {
      for (const frame of this.#reader.push(chunk)) this.#take(frame)
      return true
    },
    onData: (listener) => {
      this.#toHost = listener
    },
    onDrain: () => {},
    onClose: (listener) => {
      this.#closeHost = listener
    },
    pause: () => {},
    resume: () => {},
    close: () => {
      this.isClosed = true
    },
  }

  onRequest(listener: (frame: Frame) => void): void {
    this.#onRequest = listener
  }

  raw(bytes: Uint8Array): void {
    if (!this.isClosed) this.#toHost(bytes)
  }

  send(frame: Pick<Frame, 'type' | 'id'> & Partial<Frame>): void {
    this.raw(encodeFrame({ epoch: this.epoch, ...frame }))
  }

  sendJson(type: FrameType, id: number, value: unknown): void {
    this.send({ type, id, payload: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)) })
  }

  hangUp(): void {
    this.#closeHost()
  }

  /** The answer to the greeting as a true agent would give it, unless something is put in its place. */
  greet(lie: Record<string, unknown> = {}, key: Uint8Array = KEY): void {
    const nonce = randomBytes(32)
    const proof = createHmac('sha256', key)
      .update(proofMessage('agent', this.epoch, this.#hostNonce, nonce))
      .digest('hex')
    this.sendJson(FrameType.hello, 0, {
      generation: 1,
      role: 'agent',
      nonce: nonce.toString('hex'),
      version: '0.0.0',
      proof,
      ...lie,
    })
  }

  #take(frame: Frame): void {
    if (frame.type === FrameType.hello) {
      this.epoch = frame.epoch
      const { nonce } = JSON.parse(Buffer.from(frame.payload).toString()) as { nonce: string }
      this.#hostNonce = new Uint8Array(Buffer.from(nonce, 'hex'))
    }
    if (frame.type === FrameType.request) {
      this.requests.push({ ...frame, payload: frame.payload.slice() })
      this.#onRequest(frame)
    }
  }
}

/** The host's link to a fake agent; a test that waits longer than this hangs. */
export function link(agent: FakeAgent): Promise<AgentLink> {
  return openAgentLink(agent.channel, KEY, random, new Operation('connect', { timeoutMs: 20_000 }))
}

export async function greeted(): Promise<{ agent: FakeAgent; host: AgentLink }> {
  const agent = new FakeAgent()
  const host = link(agent)
  agent.greet()
  return { agent, host: await host }
}
