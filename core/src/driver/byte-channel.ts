// SPDX-License-Identifier: Apache-2.0

/**
 * The one way from the server to an agent: bytes, in order, with back-pressure.
 * Every driver brings one (a unix socket, a dialled connection, a serial line).
 */
export interface ByteChannel {
  /** False when the channel's buffer is full: wait for `onDrain` before writing much more. */
  write(chunk: Uint8Array): boolean
  onData(listener: (chunk: Uint8Array) => void): void
  onDrain(listener: () => void): void
  /** Called once, with the reason when there is one. */
  onClose(listener: (error?: Error) => void): void
  pause(): void
  resume(): void
  close(): void
}
