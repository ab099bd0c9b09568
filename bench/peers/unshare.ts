// SPDX-License-Identifier: Apache-2.0
import { nativeParticipant } from '../participants/native.ts'
import type { Peer } from '../participants/peer.ts'
import { requireProgram } from './require-program.ts'

const NAME = 'unshare, all namespaces'

/** Namespaces alone: no root of its own, no limits, no filter. */
export const unshare: Peer = {
  name: NAME,
  isolation: 'process namespace',
  start: async ({ limitProgram }) => {
    const program = requireProgram('unshare')
    return nativeParticipant({
      name: NAME,
      isolation: 'process namespace',
      program: limitProgram,
      command: (nonce) => ['spawn', program, '-Urpmniu', '--fork', '--mount-proc', '/usr/bin/echo', nonce],
      clock: 'firstByteNs',
      echoes: true,
    })
  },
}
