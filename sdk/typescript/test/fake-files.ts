// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage, ServerResponse } from 'node:http'
import { IsolaError } from '@isola/protocol/wire'
import { type FakeSandbox, fakeEntry, fakeFile } from './fake-sandbox.ts'
import { readAll } from './read-all.ts'

/** The files routes over the map of a fake sandbox. What it lists is what was put there, however hostile. */
export async function answerFiles(
  sandbox: FakeSandbox,
  request: IncomingMessage,
  url: URL,
  response: ServerResponse,
): Promise<void> {
  const { files } = sandbox
  const action = url.pathname.split('/').at(-1)
  const path = url.searchParams.get('path') ?? ''
  if (request.method === 'POST') {
    const body = JSON.parse((await readAll(request)).toString()) as {
      path: string
      from: string
      to: string
      mode?: string
    }
    if (action === 'mkdir')
      files.set(body.path, {
        content: new Uint8Array(),
        entry: fakeEntry(body.path, { type: 'directory', mode: Number.parseInt(body.mode ?? '755', 8) }),
      })
    else {
      const moved = found(sandbox, body.from)
      files.delete(body.from)
      files.set(body.to, { ...moved, entry: { ...moved.entry, path: body.to } })
    }
    response.writeHead(204).end()
    return
  }
  if (request.method === 'PUT') {
    const content = await readAll(request)
    files.set(path, fakeFile(path, content, Number.parseInt(url.searchParams.get('mode') ?? '644', 8)))
    response.writeHead(200).end(JSON.stringify({ size: content.length }))
    return
  }
  if (request.method === 'DELETE') {
    found(sandbox, path)
    files.delete(path)
    response.writeHead(204).end()
    return
  }
  if (action === 'stat') {
    const { entry } = found(sandbox, path)
    response.writeHead(200).end(JSON.stringify(entry))
    return
  }
  if (action === 'list') {
    const limit = Number(url.searchParams.get('limit') ?? 3)
    const below = [...files.entries()].filter(([key]) => key.startsWith(`${path}/`)).map(([, file]) => file.entry)
    const lines = below.slice(0, limit).map((entry) => `${JSON.stringify(entry)}\n`)
    response
      .writeHead(200)
      .end(lines.join('') + (below.length > limit && !url.searchParams.has('depth') ? '{"truncated":true}\n' : ''))
    return
  }
  const { content } = found(sandbox, path)
  const offset = Number(url.searchParams.get('offset') ?? 0)
  const length = Number(url.searchParams.get('length') ?? content.length)
  response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(content.subarray(offset, offset + length))
}

function found(sandbox: FakeSandbox, path: string): NonNullable<ReturnType<FakeSandbox['files']['get']>> {
  const file = sandbox.files.get(path)
  if (file === undefined) throw new IsolaError('file.not_found', `open ${path}: not found`)
  return file
}
