// SPDX-License-Identifier: Apache-2.0
import type { TestProject } from 'vitest/node'
import { accountOf, type DriverName, obstacleOf } from './driver-cells.ts'
import { endPlace } from './end-place.ts'
import { eventually } from './eventually.ts'
import { isRoot } from './account.ts'
import { lingeringMemoryGroups } from './inventory/cgroups.ts'
import { ownIsolaProcesses } from './inventory/processes.ts'
import { IsolaServer, Place } from './isola-server.ts'

/**
 * A suite makes hundreds of sandboxes, with two groups each; if those lingered it would be more than this. Fewer may be
 * anybody's on this host, so the benchmark of ten thousand sandboxes counts exactly.
 */
const LINGERING_MOST = 100

/** The server that a whole suite shares, or why there is none. */
export type SuiteServer =
  | {
      readonly stateDirectory: string
      readonly socketPath: string
      readonly pid: number
      readonly directory: string
      readonly cgroups: readonly string[]
    }
  | { readonly obstacle: string }
  | { readonly failure: string }

declare module 'vitest' {
  interface ProvidedContext {
    servers: Record<DriverName, SuiteServer>
  }
}

/** Starts one server for each driver before a suite; after it, whatever they left behind fails the suite. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const places: Place[] = []
  const running: IsolaServer[] = []
  const groupsBefore = lingeringMemoryGroups()
  const strangers = new Set(ownIsolaProcesses())
  project.provide('servers', {
    'namespace-root': await open('namespace-root'),
    'namespace-rootless': await open('namespace-rootless'),
    'namespace-rootless-range': await open('namespace-rootless-range'),
  })
  return close

  async function open(driver: DriverName): Promise<SuiteServer> {
    const obstacle = obstacleOf(driver)
    if (obstacle !== undefined) return { obstacle }
    const place = new Place(accountOf(driver))
    places.push(place)
    try {
      const server = await IsolaServer.start(place)
      running.push(server)
      if (server.ready.event !== 'ready') return { failure: JSON.stringify(server.ready) }
      const { stateDirectory, directory, cgroups } = place
      return {
        stateDirectory,
        directory: directory.path,
        cgroups: cgroups.groups,
        socketPath: server.socketPath,
        pid: server.pid,
      }
    } catch (error) {
      return { failure: (error as Error).message }
    }
  }

  /** What an account without control groups can still see of its sandboxes. */
  function strays(): string[] {
    if (isRoot) return []
    return ownIsolaProcesses()
      .filter((found) => !strangers.has(found))
      .map((found) => `left behind: ${found}`)
  }

  async function close(): Promise<void> {
    const ends = await Promise.all(running.map((server) => server.stop()))
    const left = (await Promise.all(places.map(endPlace))).flat()
    const grown = await eventually(
      () => lingeringMemoryGroups() - groupsBefore,
      (groups) => groups < LINGERING_MOST,
    )
    const faults = [
      ...(grown < LINGERING_MOST ? [] : [`left behind: ${grown} control groups that were removed and linger`]),
      ...(await eventually(strays, (found) => found.length === 0)),
      ...ends.filter((end) => end !== 0).map((end) => `a server ended with ${end} after SIGTERM`),
      ...left.map((found) => `left behind: ${found}`),
    ]
    if (faults.length > 0) throw new Error([`leak check of the suite:`, ...faults].join('\n  '))
  }
}
