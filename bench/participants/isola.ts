// SPDX-License-Identifier: Apache-2.0
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import type { BenchPlace } from '../rows/place.ts'
import type { Participant } from './participant.ts'
import { workerParticipant } from './worker.ts'

export interface IsolaOptions {
  readonly name: string
  readonly operation: 'create-and-run' | 'create-and-stream' | 'run-true' | 'create-and-destroy'
  readonly pool: number
  readonly connection: 'unix' | 'tcp'
  /** Operations right after each other in one turn, of which the median counts; one unless said. */
  readonly inRow?: number
}

/** Isola as a user has it: the SDK in one process, a compiled server of its own with an empty state directory. */
export function isola(place: BenchPlace, options: IsolaOptions): Promise<Participant> {
  return start(place, options.name, 'isola.ts', {
    ISOLA_BENCH_OPERATION: options.operation,
    ISOLA_BENCH_POOL: String(options.pool),
    ISOLA_BENCH_CONNECTION: options.connection,
    ISOLA_BENCH_IN_ROW: String(options.inRow ?? 1),
  })
}

/** The same work without HTTP, server process and SDK: core and driver called directly. */
export function isolaInProcess(
  place: BenchPlace,
  options: Pick<IsolaOptions, 'name' | 'pool' | 'inRow'>,
): Promise<Participant> {
  return start(place, options.name, 'in-process.ts', {
    ISOLA_BENCH_POOL: String(options.pool),
    ISOLA_BENCH_IN_ROW: String(options.inRow ?? 1),
  })
}

function start(place: BenchPlace, name: string, script: string, env: Record<string, string>): Promise<Participant> {
  const state = stateDirectory(place, name)
  return workerParticipant({
    name,
    isolation: 'process namespace',
    script,
    env: { ...env, ISOLA_BENCH_STATE: state, ISOLA_BENCH_SERVER: place.serverProgram },
  })
}

/** Sockets lie below it, and their paths have to be short. */
export function stateDirectory(place: BenchPlace, name: string): string {
  const directory = path.join(place.scratch, name.replaceAll(/[^a-z0-9]+/gi, '-').slice(-12))
  mkdirSync(directory, { mode: 0o700, recursive: true })
  return directory
}
