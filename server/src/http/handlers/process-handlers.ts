// SPDX-License-Identifier: Apache-2.0
import type { SandboxService } from '@isola/core'
import { DEFAULT_BUFFERED_OUTPUT_LIMIT_BYTES, IsolaError, NDJSON, SignalName } from '@isola/protocol'
import { processSpec } from '../../streams/process-spec.ts'
import { runBuffered } from '../../streams/run-buffered.ts'
import { runEvents } from '../../streams/run-events.ts'
import { sendLines } from '../../streams/send-lines.ts'
import type { Handlers } from '../exchange.ts'

type Served = 'runCommand' | 'listProcesses' | 'signalProcess' | 'resizeProcess'

export function processHandlers(service: SandboxService): Pick<Handlers, Served> {
  return {
    async runCommand({ params, body }, exchange) {
      const isStreamed = exchange.request.headers.accept?.includes(NDJSON) === true
      const { stdin, ...rest } = body
      const cap = isStreamed
        ? rest.outputLimitBytes
        : Math.min(rest.outputLimitBytes ?? Infinity, DEFAULT_BUFFERED_OUTPUT_LIMIT_BYTES)
      const spec = processSpec({ ...rest, stdin: stdin !== undefined, outputLimitBytes: cap })
      const operation = exchange.operation('run command')
      const live = await service.startProcess(params.sandbox, spec, operation)
      operation.signal.addEventListener('abort', () => live.kill(), { once: true })
      if (operation.signal.aborted) live.kill()
      if (!isStreamed) return await runBuffered(live, stdin)
      await sendLines(exchange.response, runEvents(live, stdin))
      return undefined
    },

    async listProcesses({ params }, exchange) {
      return await service.call(
        params.sandbox,
        'process.list',
        {},
        exchange.operation('list processes', exchange.waits.callMs),
      )
    },

    async signalProcess({ params, body }, exchange) {
      const signal = SignalName.safeParse(body.signal)
      if (!signal.success) {
        throw new IsolaError('request.invalid', `body field signal: ${body.signal} cannot be sent`, {
          hint: `one of ${SignalName.options.join(', ')}`,
        })
      }
      const request = { processId: params.process, signal: signal.data, target: body.target }
      await service.call(
        params.sandbox,
        'process.signal',
        request,
        exchange.operation('signal process', exchange.waits.callMs),
      )
      return undefined
    },

    async resizeProcess({ params, body }, exchange) {
      const request = { processId: params.process, ...body }
      await service.call(
        params.sandbox,
        'process.resize',
        request,
        exchange.operation('resize process', exchange.waits.callMs),
      )
      return undefined
    },
  }
}
