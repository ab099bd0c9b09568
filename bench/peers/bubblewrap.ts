// SPDX-License-Identifier: Apache-2.0
import { nativeParticipant } from '../participants/native.ts'
import type { Peer } from '../participants/peer.ts'
import { requireProgram } from './require-program.ts'

const NAME = 'bwrap --unshare-all'

/** Bubblewrap with all its namespaces over the host's own /usr; it has no cgroups, no overlay, no seccomp here. */
export const bubblewrap: Peer = {
  name: NAME,
  isolation: 'process namespace',
  start: async ({ limitProgram }) => {
    const bwrap = requireProgram('bwrap')
    return nativeParticipant({
      name: NAME,
      isolation: 'process namespace',
      program: limitProgram,
      command: (nonce) => ['spawn', bwrap, ...ARGUMENTS, '/usr/bin/echo', nonce],
      clock: 'firstByteNs',
      echoes: true,
    })
  },
}

const ARGUMENTS = [
  '--unshare-all --die-with-parent --new-session --ro-bind /usr /usr --symlink usr/bin /bin',
  '--symlink usr/lib /lib --symlink usr/lib64 /lib64 --proc /proc --dev /dev --tmpfs /tmp',
].flatMap((line) => line.split(' '))
