// SPDX-License-Identifier: Apache-2.0
import type { Absence, IsolationClass, Participant } from './participant.ts'

export interface PeerPlace {
  /** The compiled limit program, which starts peers without the cost of a Node process. */
  readonly limitProgram: string
  /** A private directory to keep bundles and the like in. */
  readonly scratch: string
}

/** Another way to isolate, run here and now beside Isola. */
export interface Peer {
  readonly name: string
  readonly isolation: IsolationClass
  /** @throws the reason why it cannot run here */
  start(place: PeerPlace): Promise<Participant>
}

/** Starts a peer and lets it prove itself once; one that cannot is absent, with its own words as the reason. */
export async function startPeer(peer: Peer, place: PeerPlace): Promise<Participant | Absence> {
  let participant: Participant | undefined
  try {
    participant = await peer.start(place)
    await participant.once('proof')
    return participant
  } catch (error) {
    await participant?.close()
    const words = error instanceof Error ? error.message : String(error)
    return { name: peer.name, isolation: peer.isolation, reason: words.replaceAll(/\s+/g, ' ').trim().slice(0, 160) }
  }
}

export const isAbsent = (result: Participant | Absence): result is Absence => 'reason' in result
