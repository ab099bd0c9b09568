// SPDX-License-Identifier: Apache-2.0
import { stateDirectory } from '../participants/isola.ts'
import { nativeParticipant } from '../participants/native.ts'
import type { Participant } from '../participants/participant.ts'
import { workerParticipant } from '../participants/worker.ts'
import type { BenchPlace } from './place.ts'
import { type ComparedRow, times } from './row.ts'

const READY = 'isolad, start → first answer'
const NODE = 'node -e 0'
const IDLE = 'isolad and its launcher, resident'
const BARE = 'bare Node HTTP server, resident'
const BESIDES_NODE_MS = 150

const ready: ComparedRow = {
  kind: 'compared',
  id: 'B14',
  title: 'start of the compiled server (ms)',
  unit: 'ms',
  rounds: 30,
  quickRounds: 15,
  participants: (place) => [() => ours(place, READY, 'ready-server.ts', 'ready'), async () => bareNode(place)],
  comparisons: [
    {
      ours: READY,
      theirs: NODE,
      promise: `≤ ${BESIDES_NODE_MS} ms + 2 × node -e 0 (as a share of it)`,
      combine: (our, node) => our / (BESIDES_NODE_MS + 2 * node),
      atMost: 1,
      shown: 'times',
    },
  ],
}

const memory: ComparedRow = {
  kind: 'compared',
  id: 'B14',
  title: 'memory of the idle compiled server (MiB)',
  unit: 'MiB',
  rounds: 15,
  quickRounds: 3,
  participants: (place) => [
    () => ours(place, IDLE, 'idle-memory.ts', 'isola'),
    () =>
      workerParticipant({
        name: BARE,
        isolation: 'none',
        script: 'idle-memory.ts',
        env: { ISOLA_BENCH_OPERATION: 'bare' },
      }),
  ],
  comparisons: [
    {
      ours: IDLE,
      theirs: BARE,
      promise: '≤ 1.6 × a bare Node HTTP server',
      combine: times,
      atMost: 1.6,
      shown: 'times',
    },
  ],
}

export const b14: readonly ComparedRow[] = [ready, memory]

function ours(place: BenchPlace, name: string, script: string, operation: string): Promise<Participant> {
  const env = {
    ISOLA_BENCH_OPERATION: operation,
    ISOLA_BENCH_SERVER: place.serverProgram,
    ISOLA_BENCH_STATE: stateDirectory(place, name),
  }
  return workerParticipant({ name, isolation: 'none', script, env })
}

function bareNode(place: BenchPlace): Participant {
  return nativeParticipant({
    name: NODE,
    isolation: 'none',
    program: place.limitProgram,
    command: () => ['spawn', process.execPath, '-e', '0'],
    clock: 'endNs',
    echoes: false,
  })
}
