// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { nativeParticipant } from '../participants/native.ts'
import type { Peer } from '../participants/peer.ts'
import { requireProgram } from './require-program.ts'

const NAME = 'nsenter, all namespaces'

/** Entering living namespaces from outside, which Isola never does. */
export const namespaceEnter: Peer = {
  name: NAME,
  isolation: 'process namespace',
  start: async ({ limitProgram }) => {
    const program = requireProgram('nsenter')
    const holder = spawn(requireProgram('unshare'), ['-Urmniu', '/usr/bin/sleep', '86400'], { stdio: 'ignore' })
    return nativeParticipant({
      name: NAME,
      isolation: 'process namespace',
      program: limitProgram,
      command: () => [
        'spawn',
        program,
        '-t',
        String(holder.pid),
        '-U',
        '-m',
        '-n',
        '-i',
        '-u',
        '--preserve-credentials',
        '/usr/bin/true',
      ],
      clock: 'endNs',
      echoes: false,
      onClose: async () => void holder.kill(),
    })
  },
}
