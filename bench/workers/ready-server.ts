// SPDX-License-Identifier: Apache-2.0
// How long a compiled server takes from its start to its first answer, with the state of an earlier run.
import { get } from 'node:http'
import { startIsola } from './isola-server.ts'
import { type Outcome, serve } from './serve.ts'
import { setting } from './setting.ts'

const options = { stateDirectory: setting('STATE'), program: setting('SERVER') }

await serve(async () => {
  // The first start builds the template; that is paid once per machine.
  const first = await startIsola(options)
  await first.stop()
  return { once: startOnce, close: async () => {} }
})

async function startOnce(): Promise<Outcome> {
  const begin = performance.now()
  const server = await startIsola(options)
  const listening = performance.now()
  await health(server.ready.socket as string)
  const answered = performance.now()
  await server.stop()
  return { value: answered - begin, teardownMs: performance.now() - answered, parts: { listening: listening - begin } }
}

function health(socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    get({ socketPath, path: '/v1/health' }, (response) => {
      response.resume()
      if (response.statusCode === 200) resolve()
      else reject(new Error(`health answered ${response.statusCode}`))
    }).once('error', reject)
  })
}
