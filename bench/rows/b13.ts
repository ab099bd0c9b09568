// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises'
import { countHost, type HostCounts } from '../host/host-counts.host.ts'
import type { Effort } from '../options.ts'
import { isola } from '../participants/isola.ts'
import type { Participant } from '../participants/participant.ts'
import { launcherPids, serverPids } from '../workers/isola-pids.host.ts'
import { lows, slope } from '../statistics/slope.ts'
import type { BenchPlace } from './place.ts'
import type { Growth, SoakResult, SoakRow } from './row.ts'

const NAME = 'isola, create and destroy'
const CYCLES: Readonly<Record<Effort, number>> = { quick: 200, normal: 2000, full: 10_000 }
const READINGS = 20
/** Before this share of the cycles, caches still fill. */
const WARM_SHARE = 0.25
const SETTLE_MS = 1500
/** Each from a stretch that is long enough for a full collection. */
const LOWS = 3

interface Quantity {
  readonly what: string
  readonly of: keyof HostCounts
  readonly unit: string
  /** How much it may grow over a thousand cycles; a leak of one object per cycle is a thousand. */
  readonly perThousandAtMost: number
  /** Rises until a collector comes by: only how low it falls tells of a leak. */
  readonly isSawtooth?: true
  readonly promise: string
}

const COUNTED = { perThousandAtMost: 5, promise: 'no growth (≤ 5 per 1000: the host has other processes)' }
const quantities: readonly Quantity[] = [
  { what: 'open files, server and launcher', of: 'openFiles', unit: '', ...COUNTED },
  { what: 'mounts', of: 'mounts', unit: '', ...COUNTED },
  { what: 'cgroups, removed ones that linger too', of: 'cgroups', unit: '', ...COUNTED },
  { what: 'network namespaces', of: 'networkNamespaces', unit: '', ...COUNTED },
  { what: 'processes', of: 'processes', unit: '', ...COUNTED },
  {
    what: 'kernel memory',
    of: 'kernelKib',
    unit: 'KiB',
    perThousandAtMost: 1024,
    promise: 'no growth (≤ 1 KiB per cycle)',
  },
  {
    what: 'private memory, server and launcher',
    of: 'privateKib',
    unit: 'KiB',
    perThousandAtMost: 1024,
    promise: 'no growth (≤ 1 KiB per cycle, between lows)',
    isSawtooth: true,
  },
]

export const b13: SoakRow = { kind: 'soak', id: 'B13', title: 'create and destroy, again and again', run }

async function run(place: BenchPlace): Promise<SoakResult> {
  const participant = await isola(place, { name: NAME, operation: 'create-and-destroy', pool: 0, connection: 'unix' })
  try {
    return await soak(participant, place)
  } finally {
    await participant.close()
  }
}

async function soak(participant: Participant, place: BenchPlace): Promise<SoakResult> {
  const cycles = CYCLES[place.effort]
  const pids = [...serverPids(place.scratch), ...launcherPids(place.scratch)]
  const readings: { cycle: number; counts: HostCounts }[] = []
  const cycleMs: number[] = []
  const failures: string[] = []
  for (let cycle = 1; cycle <= cycles; cycle++) {
    await participant.once('').then(
      ({ value }) => cycleMs.push(value),
      (error: Error) => failures.push(error.message),
    )
    place.signal.throwIfAborted()
    if (cycle % (cycles / READINGS) > 0) continue
    // What the kernel frees later is not a leak.
    await sleep(SETTLE_MS)
    readings.push({ cycle, counts: countHost(pids) })
    place.say(`B13: cycle ${cycle} of ${cycles}`)
  }
  const warm = readings.filter(({ cycle }) => cycle > cycles * WARM_SHARE)
  return { cycles, failures, cycleMs, growths: quantities.map((quantity) => growthOf(quantity, warm)) }
}

function growthOf(quantity: Quantity, readings: readonly { cycle: number; counts: HostCounts }[]): Growth {
  const all = readings.map(({ cycle, counts }) => ({ x: cycle, y: counts[quantity.of] }))
  const points = quantity.isSawtooth ? lows(all, LOWS) : all
  const perThousand = slope(points) * 1000
  return {
    what: quantity.what,
    before: points[0]?.y ?? Number.NaN,
    after: points.at(-1)?.y ?? Number.NaN,
    perThousand,
    unit: quantity.unit,
    promise: quantity.promise,
    kept: perThousand <= quantity.perThousandAtMost,
  }
}
