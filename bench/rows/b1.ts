// SPDX-License-Identifier: Apache-2.0
import { isola } from '../participants/isola.ts'
import { limit } from '../participants/limit.ts'
import { startPeer } from '../participants/peer.ts'
import { workerParticipant } from '../participants/worker.ts'
import { bubblewrap } from '../peers/bubblewrap.ts'
import { runcRun, runscRun } from '../peers/oci-runtime.ts'
import { unshare } from '../peers/unshare.ts'
import { type Comparison, type ComparedRow, times } from './row.ts'

const READY = 'isola, ready pool'
const STREAMED = 'isola, ready pool, streamed'
const NO_POOL = 'isola, no pool'
const LIMIT = 'L: the same kernel work in C'
const SPAWN = "child_process.spawn('echo')"
const POOL = 4

export const b1: ComparedRow = {
  kind: 'compared',
  id: 'B1',
  title: 'create → first output of `echo $nonce` at the client (ms)',
  unit: 'ms',
  rounds: 200,
  quickRounds: 15,
  participants: (place) => [
    () => isola(place, { name: NO_POOL, operation: 'create-and-run', pool: 0, connection: 'unix' }),
    () => isola(place, { name: READY, operation: 'create-and-run', pool: POOL, connection: 'unix' }),
    () => isola(place, { name: STREAMED, operation: 'create-and-stream', pool: POOL, connection: 'unix' }),
    () => limit(place, { name: LIMIT, beside: NO_POOL }),
    () => workerParticipant({ name: SPAWN, isolation: 'none', script: 'spawn-echo.ts' }),
    ...[bubblewrap, unshare, runcRun, runscRun].map((peer) => () => startPeer(peer, place)),
  ],
  comparisons: [
    against(READY, SPAWN, 1, 'an unsandboxed spawn from Node'),
    against(STREAMED, SPAWN, 1, 'an unsandboxed spawn from Node'),
    against(READY, bubblewrap.name, 0.5, 'bubblewrap'),
    against(READY, runcRun.name, 0.1, 'runc'),
    against(READY, runscRun.name, 0.02, 'gVisor'),
    against(NO_POOL, LIMIT, 1.5, 'L'),
  ],
}

function against(ours: string, theirs: string, atMost: number, called: string): Comparison {
  return { ours, theirs, promise: `≤ ${atMost} × ${called}`, combine: times, atMost, shown: 'times' }
}
