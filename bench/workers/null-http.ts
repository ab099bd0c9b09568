// SPDX-License-Identifier: Apache-2.0
// The control: an empty request to a bare Node server in another process, over a kept connection.
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { median } from '../statistics/quantile.ts'
import { type Outcome, serve } from './serve.ts'
import { startServer } from './server-process.ts'

const REQUESTS = 20

await serve(async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'isola-bench-null-'))
  const socketPath = path.join(folder, 'null.sock')
  const server = await startServer([path.join(import.meta.dirname, 'bare-http-server.mjs'), socketPath])
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  return {
    once: () => requests(agent, socketPath),
    close: async () => {
      agent.destroy()
      await server.stop()
      rmSync(folder, { recursive: true })
    },
  }
})

async function requests(agent: Agent, socketPath: string): Promise<Outcome> {
  const times: number[] = []
  for (let i = 0; i < REQUESTS; i++) {
    const begin = performance.now()
    await emptyRequest(agent, socketPath)
    times.push(performance.now() - begin)
  }
  return { value: median(times) }
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
