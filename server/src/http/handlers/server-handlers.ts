// SPDX-License-Identifier: Apache-2.0
import type { DoctorReport } from '@isola/protocol'
import type * as z from 'zod'
import type { Handlers } from '../exchange.ts'

/** What the server can tell about itself. */
export interface ServerFacts {
  readonly version: string
  readonly agentGeneration: number
  /** The pinned OpenAPI document, read when somebody asks. */
  openapi(): Promise<Uint8Array>
  doctor(): Promise<z.input<typeof DoctorReport>>
}

export function serverHandlers(
  facts: ServerFacts,
): Pick<Handlers, 'getHealth' | 'getServer' | 'getOpenapi' | 'getDoctor'> {
  return {
    getHealth: () => ({ status: 'ok' }),
    getServer: () => ({
      version: facts.version,
      apiVersion: 'v1',
      agentGeneration: facts.agentGeneration,
      pid: process.pid,
    }),
    async getOpenapi(_inputs, { response }) {
      const document = await facts.openapi()
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': document.length })
      response.end(document)
      return undefined
    },
    getDoctor: () => facts.doctor(),
  }
}
