// SPDX-License-Identifier: Apache-2.0
import type { SandboxService } from '@isola/core'
import { sendFile } from '../../streams/send-file.ts'
import { sendLines } from '../../streams/send-lines.ts'
import type { Handlers } from '../exchange.ts'

type Served = 'readFile' | 'writeFile' | 'removeFile' | 'statFile' | 'listFiles' | 'makeDirectory' | 'moveFile'
type Flag = 'true' | 'false' | undefined

export function fileHandlers(service: SandboxService): Pick<Handlers, Served> {
  return {
    async readFile({ params, query }, exchange) {
      const request = defined({ ...query })
      const download = await service.readFile(params.sandbox, request, exchange.operation('read file'))
      await sendFile(exchange.response, download, query)
      return undefined
    },

    async writeFile({ params, query }, exchange) {
      const { path, user, mode, parents, append } = query
      const request = defined({ path, user, mode: modeOf(mode), parents: isSet(parents), append: isSet(append) })
      return await service.writeFile(params.sandbox, request, exchange.bytes(), exchange.operation('write file'))
    },

    async removeFile({ params, query }, exchange) {
      const request = defined({ path: query.path, user: query.user, recursive: isSet(query.recursive) })
      await service.call(params.sandbox, 'file.remove', request, exchange.operation('remove file'))
      return undefined
    },

    async statFile({ params, query }, exchange) {
      const request = defined({ path: query.path, user: query.user, follow: isSet(query.follow) })
      const { entry } = await service.call(
        params.sandbox,
        'file.stat',
        request,
        exchange.operation('stat file', exchange.waits.callMs),
      )
      return entry
    },

    async listFiles({ params, query }, exchange) {
      const source = await service.listFiles(params.sandbox, defined({ ...query }), exchange.operation('list files'))
      await sendLines(exchange.response, source)
      return undefined
    },

    async makeDirectory({ params, body }, exchange) {
      const request = defined({ ...body, mode: modeOf(body.mode) })
      await service.call(
        params.sandbox,
        'file.mkdir',
        request,
        exchange.operation('make directory', exchange.waits.callMs),
      )
      return undefined
    },

    async moveFile({ params, body }, exchange) {
      await service.call(
        params.sandbox,
        'file.move',
        defined({ ...body }),
        exchange.operation('move file', exchange.waits.callMs),
      )
      return undefined
    },
  }
}

function modeOf(octal: string | undefined): number | undefined {
  return octal === undefined ? undefined : Number.parseInt(octal, 8)
}

function isSet(flag: Flag): boolean | undefined {
  return flag === undefined ? undefined : flag === 'true'
}

type Defined<T> = { [Key in keyof T]: Exclude<T[Key], undefined> }

/** Without the fields that are undefined: on the wire a field is there or it is not. */
function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>
}
