// SPDX-License-Identifier: Apache-2.0
import { stopLauncher } from './isola-pids.host.ts'
import { type ServerProcess, startServer } from './server-process.ts'

export interface IsolaServerOptions {
  readonly stateDirectory: string
  /** The compiled program. */
  readonly program: string
  readonly pool?: number
  readonly tcp?: boolean
}

/** An Isola server of its own, which takes all with it that it started. */
export async function startIsola(options: IsolaServerOptions): Promise<ServerProcess> {
  const { stateDirectory, program, pool, tcp } = options
  const server = await startServer([
    ...[program, 'serve', '--state', stateDirectory],
    ...(pool === undefined ? [] : ['--pool', String(pool)]),
    ...(tcp === true ? ['--listen', '127.0.0.1:0'] : []),
  ])
  return {
    ...server,
    stop: async () => {
      await server.stop()
      await stopLauncher(stateDirectory)
    },
  }
}
