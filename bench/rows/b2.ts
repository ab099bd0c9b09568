// SPDX-License-Identifier: Apache-2.0
import { isola } from '../participants/isola.ts'
import { nativeParticipant } from '../participants/native.ts'
import type { Participant } from '../participants/participant.ts'
import { startPeer } from '../participants/peer.ts'
import { namespaceEnter } from '../peers/namespace-enter.ts'
import { runcExec, runscExec } from '../peers/oci-runtime.ts'
import type { BenchPlace } from './place.ts'
import { type ComparedRow, times } from './row.ts'

const OURS = 'isola, run'
const SPAWN = 'posix_spawn, no isolation'

export const b2: ComparedRow = {
  kind: 'compared',
  id: 'B2',
  title: 'run `true` in a live sandbox, call → result (ms)',
  unit: 'ms',
  rounds: 300,
  quickRounds: 20,
  participants: (place) => [
    () => isola(place, { name: OURS, operation: 'run-true', pool: 1, connection: 'unix' }),
    async () => bareSpawn(place),
    ...[namespaceEnter, runcExec, runscExec].map((peer) => () => startPeer(peer, place)),
  ],
  comparisons: [
    { ours: OURS, theirs: SPAWN, promise: '≤ 3 × posix_spawn', combine: times, atMost: 3, shown: 'times' },
    { ours: OURS, theirs: runcExec.name, promise: '≤ 0.1 × runc exec', combine: times, atMost: 0.1, shown: 'times' },
  ],
}

function bareSpawn(place: BenchPlace): Participant {
  return nativeParticipant({
    name: SPAWN,
    isolation: 'none',
    program: place.limitProgram,
    command: () => ['spawn', '/usr/bin/true'],
    clock: 'endNs',
    echoes: false,
  })
}
