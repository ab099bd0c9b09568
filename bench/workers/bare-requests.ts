// SPDX-License-Identifier: Apache-2.0
// As many requests as create and run need, to a Node server that does nothing, over a kept connection.
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Begun, inRow } from './in-row.ts'
import { serve } from './serve.ts'
import { setting } from './setting.ts'
import { startServer } from './server-process.ts'

await serve(async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'isola-bench-bare-'))
  const socketPath = path.join(folder, 'bare.sock')
  const server = await startServer([path.join(import.meta.dirname, 'bare-http-server.mjs'), socketPath])
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  return {
    once: () => inRow(Number(setting('IN_ROW')), () => twoRequests(agent, socketPath)),
    close: async () => {
      agent.destroy()
      await server.stop()
      rmSync(folder, { recursive: true })
    },
  }
})

async function twoRequests(agent: Agent, socketPath: string): Promise<Begun> {
  const begin = performance.now()
  await emptyRequest(agent, socketPath)
  await emptyRequest(agent, socketPath)
  return { value: performance.now() - begin, parts: {}, finish: async () => {} }
}

function emptyRequest(agent: Agent, socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request({ agent, socketPath, method: 'POST', path: '/null' }, (response) => {
      response.resume()
      response.once('end', resolve)
    })
    sent.once('error', reject)
    sent.end()
  })
}
