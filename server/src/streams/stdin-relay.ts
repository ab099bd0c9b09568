// SPDX-License-Identifier: Apache-2.0
import type { LiveProcess } from '@isola/core'
import { Channel, FrameType, ReceiveWindow } from '@isola/protocol'
import { ChunkQueue } from './chunk-queue.ts'
import { type FrameSocket, StreamBreach } from './frame-socket.ts'

/** Input of the process: what the client sends waits here, at most one window of it, until the process takes it. */
export class StdinRelay {
  readonly #frames: FrameSocket
  readonly #id: number
  readonly #window = new ReceiveWindow()
  readonly #queue = new ChunkQueue()
  #isEnded = false
  #isRefused = false
  #hasInput = false
  #wake: (() => void) | undefined

  constructor(frames: FrameSocket, id: number) {
    this.#frames = frames
    this.#id = id
  }

  push(chunk: Uint8Array): void {
    if (this.#isRefused) throw new StreamBreach('input for a process that was started without')
    this.#hasInput = true
    if (this.#isEnded) throw new StreamBreach('input after its end')
    if (!this.#window.receive(chunk.length)) throw new StreamBreach('input beyond its credit')
    this.#queue.push(chunk)
    this.#wake?.()
  }

  end(): void {
    this.#isEnded = true
    this.#wake?.()
  }

  /** The process has no input: the client must not send any. */
  refuse(): void {
    if (this.#hasInput) throw new StreamBreach('input for a process that was started without')
    this.#isRefused = true
  }

  /** Runs until the input ends or the connection does. What a process no longer reads is let go. */
  async feed(live: LiveProcess): Promise<void> {
    while (!this.#frames.isClosed) {
      const chunk = this.#queue.shift()
      if (chunk !== undefined) {
        await live.writeStdin(chunk).catch(() => {})
        this.#grant(this.#window.consume(chunk.length))
      } else if (this.#isEnded) {
        live.endStdin()
        return
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
  }

  /** Lets `feed` look again, for when the connection is over. */
  stop(): void {
    this.#wake?.()
  }

  #grant(bytes: number): void {
    if (bytes === 0) return
    const payload = Buffer.alloc(4)
    payload.writeUInt32BE(bytes)
    this.#frames.send({ type: FrameType.credit, channel: Channel.input, id: this.#id, payload })
  }
}
