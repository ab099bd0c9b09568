// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, readdirSync, statfsSync } from 'node:fs'
import path from 'node:path'
import { CgroupPlaces } from '../host/cgroup-places.host.ts'
import type { BenchPlace } from '../rows/place.ts'
import { stateDirectory } from './isola.ts'
import { nativeParticipant } from './native.ts'
import type { Absence, Participant } from './participant.ts'
import { startPeer } from './peer.ts'

const BTRFS_MAGIC = 0x9123683e

export interface LimitOptions {
  readonly name: string
  /** Its lowers and the filesystem of its layers are those of this participant. */
  readonly beside: string
}

/** L: the kernel work of a create and one command, in C, over the very same directories. It needs to be root. */
export function limit(place: BenchPlace, options: LimitOptions): Promise<Participant | Absence> {
  const start = async (): Promise<Participant> => startLimit(place, options)
  return startPeer({ name: options.name, isolation: 'process namespace', start }, place)
}

function startLimit(place: BenchPlace, { name, beside }: LimitOptions): Participant {
  if (process.getuid?.() !== 0) throw new Error('it needs to be root')
  const state = stateDirectory(place, beside)
  const template = findTemplate(state)
  const layers = findLayers(state)
  const cgroups = CgroupPlaces.make()
  return nativeParticipant({
    name,
    isolation: 'process namespace',
    program: place.limitProgram,
    options: [
      ...['--root-lower', path.join(template, 'skeleton')],
      ...['--usr-lower', path.join(template, 'usr-mask'), '--usr-lower', '/usr'],
      ...['--layers', layers.directory, '--layer', layers.kind],
      ...['--places', place.scratch],
      ...cgroups.options,
    ],
    command: (nonce) => ['create', nonce],
    clock: 'firstByteNs',
    echoes: true,
    onClose: async () => cgroups.remove(),
  })
}

function findTemplate(state: string): string {
  const templates = path.join(state, 'templates')
  const name = readdirSync(templates).find((entry) => entry.startsWith('host-'))
  if (name === undefined) throw new Error(`no template below ${templates}`)
  return path.join(templates, name)
}

function findLayers(state: string): { directory: string; kind: 'subvolume' | 'directory' } {
  const subvolumes = path.join(state, 'namespace/layers')
  if (statfsSync(subvolumes).type === BTRFS_MAGIC) return { directory: subvolumes, kind: 'subvolume' }
  const directory = path.join(state, 'limit')
  mkdirSync(directory, { recursive: true })
  return { directory, kind: 'directory' }
}
