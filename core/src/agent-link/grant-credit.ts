// SPDX-License-Identifier: Apache-2.0
import { FrameType } from '@isola/protocol'
import type { FrameLink } from './frame-link.ts'

/** Tells the sender that it may send `bytes` more on one channel. */
export function grantCredit(link: FrameLink, id: number, channel: number, bytes: number): void {
  const payload = new Uint8Array(4)
  new DataView(payload.buffer).setUint32(0, bytes)
  link.send({ type: FrameType.credit, channel, id, payload })
}
