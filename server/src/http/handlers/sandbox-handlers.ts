// SPDX-License-Identifier: Apache-2.0
import { Operation, type SandboxService } from '@isola/core'
import { positionAfter } from '../../store/sqlite-store.ts'
import type { Handlers } from '../exchange.ts'
import { sandboxQuery, writeCursor } from '../sandbox-query.ts'
import { sandboxView } from '../sandbox-view.ts'

type Served = 'createSandbox' | 'listSandboxes' | 'getSandbox' | 'destroySandbox'

export function sandboxHandlers(service: SandboxService): Pick<Handlers, Served> {
  return {
    async createSandbox({ body, headers }, exchange) {
      const operation = exchange.operation('create sandbox', exchange.waits.createMs)
      return sandboxView(await service.create(body, operation, headers['idempotency-key']))
    },

    listSandboxes({ query }) {
      const wanted = sandboxQuery(query)
      // One more than asked for tells whether there is another page.
      const records = service.list({ ...wanted, limit: wanted.limit + 1 })
      const page = records.slice(0, wanted.limit)
      const last = page.at(-1)
      const nextCursor = records.length > page.length && last !== undefined ? writeCursor(positionAfter(last)) : null
      return { items: page.map(sandboxView), nextCursor }
    },

    getSandbox: ({ params }) => sandboxView(service.get(params.sandbox)),

    async destroySandbox({ params }, { waits }) {
      // Not tied to the client: half a removal is of no use to anybody.
      await service.destroy(
        params.sandbox,
        'removed by request',
        new Operation('destroy sandbox', { timeoutMs: waits.destroyMs }),
      )
      return undefined
    },
  }
}
