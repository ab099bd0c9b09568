// SPDX-License-Identifier: Apache-2.0
import { ReceiveWindow } from '@isola/protocol'
import { ProtocolBreach } from './frame-link.ts'

/** Payloads below this are gathered into blocks, so that tiny ones cannot hold large read buffers in memory. */
const GATHER_BELOW_BYTES = 16 * 1024
const BLOCK_BYTES = 64 * 1024

export interface InboundHooks {
  /** Returns credit to the sender. */
  grant(bytes: number): void
  /** The consumer left before the end. */
  abandoned(): void
}

/**
 * One direction of one exchange as an async iterable. Credit goes back to the sender only for what
 * the consumer took, so at most one window is ever held here.
 */
export class InboundStream implements AsyncIterable<Uint8Array> {
  readonly #hooks: InboundHooks
  readonly #window = new ReceiveWindow()
  readonly #chunks: Uint8Array[] = []
  #block: Uint8Array | undefined
  #blockUsed = 0
  #ended = false
  #failure: Error | undefined
  #discarding = false
  #wake: (() => void) | undefined

  constructor(hooks: InboundHooks) {
    this.#hooks = hooks
  }

  get ended(): boolean {
    return this.#ended
  }

  /** @throws {ProtocolBreach} when the sender had no credit for it, or had ended the stream. */
  push(payload: Uint8Array): void {
    if (this.#ended) throw new ProtocolBreach('data after the end of its stream')
    if (!this.#window.receive(payload.length)) throw new ProtocolBreach('data beyond the credit of its stream')
    if (payload.length === 0) return
    if (this.#discarding) return this.#consumed(payload.length)
    if (payload.length >= GATHER_BELOW_BYTES) {
      this.#sealBlock()
      this.#chunks.push(payload)
    } else this.#gather(payload)
    this.#wake?.()
  }

  /** No more data; what was received before is still delivered. */
  end(failure?: Error): void {
    if (this.#ended) return
    this.#ended = true
    this.#failure = failure
    this.#wake?.()
  }

  /** Lets everything pass from now on, so that the sender is never held up by nobody reading. */
  discard(): void {
    this.#discarding = true
    let held = this.#blockUsed
    for (const chunk of this.#chunks.splice(0)) held += chunk.length
    this.#block = undefined
    this.#blockUsed = 0
    if (held > 0) this.#consumed(held)
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    let complete = false
    let taken = 0
    try {
      for (;;) {
        // Reached only when the consumer asks for more: it is done with the last one.
        if (taken > 0) this.#consumed(taken)
        const chunk = this.#next()
        taken = chunk?.length ?? 0
        if (chunk !== undefined) {
          yield chunk
        } else if (this.#ended || this.#discarding) {
          complete = true
          if (this.#failure !== undefined) throw this.#failure
          return
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve
          })
          this.#wake = undefined
        }
      }
    } finally {
      if (!complete) {
        if (taken > 0) this.#consumed(taken)
        this.discard()
        if (!this.#ended) this.#hooks.abandoned()
      }
    }
  }

  #consumed(bytes: number): void {
    const grant = this.#window.consume(bytes)
    if (grant > 0 && !this.#ended) this.#hooks.grant(grant)
  }

  #next(): Uint8Array | undefined {
    if (this.#chunks.length === 0) this.#sealBlock()
    return this.#chunks.shift()
  }

  #gather(payload: Uint8Array): void {
    if (this.#block === undefined || this.#blockUsed + payload.length > this.#block.length) {
      this.#sealBlock()
      this.#block = new Uint8Array(Math.max(payload.length, this.#chunks.length === 0 ? payload.length : BLOCK_BYTES))
    }
    this.#block.set(payload, this.#blockUsed)
    this.#blockUsed += payload.length
  }

  #sealBlock(): void {
    if (this.#block !== undefined && this.#blockUsed > 0) this.#chunks.push(this.#block.subarray(0, this.#blockUsed))
    this.#block = undefined
    this.#blockUsed = 0
  }
}
