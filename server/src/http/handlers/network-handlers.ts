// SPDX-License-Identifier: Apache-2.0
import { Readable } from 'node:stream'
import type { SandboxService } from '@isola/core'
import type { Egresses } from '../../egress/egresses.ts'
import { sendLines } from '../../streams/send-lines.ts'
import type { Handlers } from '../exchange.ts'
import { sandboxView } from '../sandbox-view.ts'

type Served = 'setNetwork' | 'explainNetwork' | 'readNetworkLog'

/** What can be told about decisions; they are made elsewhere. */
export type NetworkEvidence = Pick<Egresses, 'explain' | 'log'>

export function networkHandlers(service: SandboxService, evidence: NetworkEvidence): Pick<Handlers, Served> {
  return {
    async setNetwork({ params, body }, exchange) {
      const operation = exchange.operation('set network', exchange.waits.createMs)
      return sandboxView(await service.setNetwork(params.sandbox, body.network, operation))
    },

    explainNetwork: ({ params, query }) => evidence.explain(service.get(params.sandbox).network, query.url),

    async readNetworkLog({ params, query }, exchange) {
      const { id } = service.get(params.sandbox)
      const { signal } = exchange.operation('read network log')
      const { log } = evidence
      await sendLines(
        exchange.response,
        query.follow === 'true' ? log.follow(id, query.after, signal) : Readable.from(log.read(id, query.after)),
      )
      return undefined
    },
  }
}
