// SPDX-License-Identifier: Apache-2.0
import { Agent, request } from 'node:http'
import { ErrorBody, Sandbox } from '@isola/protocol'
import fc from 'fast-check'
import { expect } from 'vitest'
import { readReply, type Reply } from './send.ts'
import { TestServer } from './test-server.ts'

const field = fc.constantFrom(
  'name',
  'template',
  'labels',
  'env',
  'resources',
  'workdir',
  'argv',
  'shell',
  '__proto__',
  'signal',
  'cols',
  'path',
)
const body = fc.oneof(
  fc.json(),
  fc.string(),
  fc
    .dictionary(field, fc.oneof(fc.jsonValue(), fc.constantFrom('', '/', 'a', 'SIGTERM', [])), {
      noNullPrototype: true,
    })
    .map((value) => JSON.stringify(value)),
)
const route = fc.constantFrom(
  'POST /v1/sandboxes',
  'POST /v1/sandboxes/web/processes/p/signal',
  'POST /v1/sandboxes/web/processes/p/resize',
  'POST /v1/sandboxes/web/files/mkdir',
  'POST /v1/sandboxes/web/files/move',
  'POST /v1/sandboxes/nobody/run',
)

/** Whatever the body, the answer is a success or a typed refusal. */
export async function fuzzHttp(requests: number): Promise<void> {
  await using server = await TestServer.start()
  server.service.add({ name: 'web' })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const post = async (target: string, text: string): Promise<Reply> => {
    const [method = '', path = ''] = target.split(' ')
    const outgoing = request({ ...server.target, agent, method, path })
    const response = new Promise<Parameters<typeof readReply>[0]>((resolve, reject) =>
      outgoing.on('response', resolve).on('error', reject),
    )
    outgoing.end(text)
    return await readReply(await response)
  }
  await fc.assert(
    fc.asyncProperty(route, body, async (target, text) => {
      const { status, json } = await post(target, text)
      if (status === 201) expect(Sandbox.safeParse(json).success).toBe(true)
      else if (status !== 204) expect([ErrorBody.safeParse(json).success, status < 500]).toEqual([true, true])
    }),
    { numRuns: requests },
  )
  agent.destroy()
  expect(server.log).toEqual([])
}
