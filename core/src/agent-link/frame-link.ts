// SPDX-License-Identifier: Apache-2.0
import {
  type ErrorCode,
  encodeFrame,
  encodeHeader,
  type Frame,
  FrameError,
  FrameReader,
  FrameType,
  INITIAL_CREDIT_BYTES,
  IsolaError,
} from '@isola/protocol'
import type { ByteChannel } from '../driver/byte-channel.ts'

/** One operation that is open on a link: all frames with its id go here. */
export interface Exchange {
  /** True when this was its last frame. @throws {ProtocolBreach} */
  onFrame(frame: Frame): boolean
  /** The link ended before the exchange did. */
  onClose(error: IsolaError): void
}

/** How the failures of this peer are called. */
export interface PeerErrors {
  readonly peer: string
  readonly lost: ErrorCode
  readonly breach: ErrorCode
}

/** The other side did what the protocol forbids; the link is closed. */
export class ProtocolBreach extends Error {}

/** Two channels' worth of credit may still be under way when an exchange is given up. */
const ABANDONED_BYTES = 2 * INITIAL_CREDIT_BYTES

/**
 * Frames over a byte channel, by exchange. Knows nothing of what the frames mean.
 * Nothing that arrives is trusted: a frame that fits no exchange is ignored within a budget,
 * and an id that was never given out ends the link.
 */
export class FrameLink {
  readonly epoch: number
  readonly #channel: ByteChannel
  readonly #errors: PeerErrors
  readonly #reader: FrameReader
  readonly #exchanges = new Map<number, Exchange>()
  readonly #drainWaiters: (() => void)[] = []
  readonly #closeListeners: ((error: IsolaError) => void)[] = []
  readonly #pings: { resolve: () => void; reject: (error: IsolaError) => void }[] = []
  #onConnectionFrame: ((frame: Frame) => void) | undefined
  #lastId = 0
  #strayBudgetBytes = 0
  #blocked = false
  #closedWith: IsolaError | undefined

  constructor(channel: ByteChannel, epoch: number, errors: PeerErrors) {
    this.epoch = epoch
    this.#channel = channel
    this.#errors = errors
    this.#reader = new FrameReader('strict', epoch)
    channel.onData((chunk) => this.#receive(chunk))
    channel.onDrain(() => this.#unblock())
    channel.onClose((error) => this.close(this.#lost(error)))
  }

  get closedWith(): IsolaError | undefined {
    return this.#closedWith
  }

  get openExchanges(): number {
    return this.#exchanges.size
  }

  onClose(listener: (error: IsolaError) => void): void {
    if (this.#closedWith === undefined) this.#closeListeners.push(listener)
    else listener(this.#closedWith)
  }

  /** Frames of id 0: the handshake, events of the connection. */
  onConnectionFrame(listener: (frame: Frame) => void): void {
    this.#onConnectionFrame = listener
  }

  /** Registers an exchange under a fresh id. @throws what closed the link. */
  open(exchange: Exchange): number {
    if (this.#closedWith !== undefined) throw this.#closedWith
    do {
      this.#lastId = this.#lastId >= 0xffffffff ? 1 : this.#lastId + 1
    } while (this.#exchanges.has(this.#lastId))
    this.#exchanges.set(this.#lastId, exchange)
    return this.#lastId
  }

  /** Forgets an exchange whose end will not be waited for; what is still under way for it is let pass. */
  abandon(id: number): void {
    if (this.#exchanges.delete(id)) this.#strayBudgetBytes += ABANDONED_BYTES
  }

  /** Asks for a sign of life. `nonce` has 8 bytes. */
  ping(nonce: Uint8Array): Promise<void> {
    if (this.#closedWith !== undefined) return Promise.reject(this.#closedWith)
    this.send({ type: FrameType.ping, id: 0, payload: nonce })
    return new Promise((resolve, reject) => this.#pings.push({ resolve, reject }))
  }

  sendJson(type: FrameType, id: number, value: unknown): void {
    this.send({ type, id, payload: new TextEncoder().encode(JSON.stringify(value)) })
  }

  send(frame: Pick<Frame, 'type' | 'id'> & Partial<Frame>): void {
    if (this.#closedWith === undefined) this.#write(encodeFrame({ ...frame, epoch: this.epoch }))
  }

  /** Like `send`, without copying the payload, which must not be changed afterwards. */
  sendData(id: number, channel: number, payload: Uint8Array): void {
    if (this.#closedWith !== undefined) return
    this.#write(
      encodeHeader({ epoch: this.epoch, type: FrameType.data, channel, flags: 0, id, length: payload.length }),
    )
    this.#write(payload)
  }

  /** True while the channel's own buffer is full. */
  get blocked(): boolean {
    return this.#blocked
  }

  /** Calls back once when the channel has room again, or when it is closed. */
  onceDrained(listener: () => void): void {
    this.#drainWaiters.push(listener)
  }

  close(error: IsolaError): void {
    if (this.#closedWith !== undefined) return
    this.#closedWith = error
    this.#channel.close()
    const open = [...this.#exchanges.values()]
    this.#exchanges.clear()
    for (const exchange of open) exchange.onClose(error)
    for (const ping of this.#pings.splice(0)) ping.reject(error)
    this.#unblock()
    for (const listener of this.#closeListeners) listener(error)
  }

  #write(bytes: Uint8Array): void {
    if (!this.#channel.write(bytes)) this.#blocked = true
  }

  #unblock(): void {
    this.#blocked = false
    for (const waiter of this.#drainWaiters.splice(0)) waiter()
  }

  #receive(chunk: Uint8Array): void {
    if (this.#closedWith !== undefined) return
    try {
      for (const frame of this.#reader.push(chunk)) {
        this.#dispatch(frame)
        if (this.#closedWith !== undefined) return
      }
    } catch (error) {
      if (!(error instanceof ProtocolBreach || error instanceof FrameError)) throw error
      this.close(
        new IsolaError(this.#errors.breach, `the ${this.#errors.peer} broke the protocol: ${error.message}`, {
          cause: error,
        }),
      )
    }
  }

  #dispatch(frame: Frame): void {
    if (frame.id === 0) return this.#connectionFrame(frame)
    const exchange = this.#exchanges.get(frame.id)
    if (exchange === undefined) return this.#stray(frame)
    if (exchange.onFrame(frame)) this.#exchanges.delete(frame.id)
  }

  #connectionFrame(frame: Frame): void {
    if (frame.type === FrameType.ping) {
      // A peer that asks without reading the answers gets none, so that they cannot pile up here.
      if (!this.#blocked) this.send({ type: FrameType.pong, id: 0, payload: frame.payload })
      return
    }
    if (frame.type === FrameType.pong) return this.#pings.shift()?.resolve()
    this.#onConnectionFrame?.(frame)
  }

  #stray(frame: Frame): void {
    if (frame.id > this.#lastId) throw new ProtocolBreach(`frame for id ${frame.id}, which was never opened`)
    if (frame.type !== FrameType.data) return
    this.#strayBudgetBytes -= frame.payload.length
    if (this.#strayBudgetBytes < 0) throw new ProtocolBreach(`data for id ${frame.id} after its end`)
  }

  #lost(error: Error | undefined): IsolaError {
    const { peer, lost } = this.#errors
    return new IsolaError(
      lost,
      `lost the connection to the ${peer}${error === undefined ? '' : `: ${error.message}`}`,
      {
        cause: error,
      },
    )
  }
}
