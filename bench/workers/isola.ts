// SPDX-License-Identifier: Apache-2.0
// Isola as its user has it: the public SDK, HTTP, a server of its own.
import { readFileSync } from 'node:fs'
import { Client, Sandbox } from '@isola/sdk'
import { checkFresh } from './fresh.ts'
import { type Begun, inRow } from './in-row.ts'
import { startIsola } from './isola-server.ts'
import { type Outcome, serve, type Worker } from './serve.ts'
import { setting } from './setting.ts'

const begins = {
  'create-and-run': createAndRun,
  'create-and-stream': createAndStream,
} as const

await serve(start)

async function start(): Promise<Worker> {
  const tcp = setting('CONNECTION') === 'tcp'
  const server = await startIsola({
    stateDirectory: setting('STATE'),
    program: setting('SERVER'),
    pool: Number(setting('POOL')),
    tcp,
  })
  const { socket, url, keyFile } = server.ready
  const client = tcp
    ? new Client({ url: url as string, apiKey: readFileSync(keyFile as string, 'utf8').trim() })
    : new Client({ url: `unix:${socket}` })
  const close = async (): Promise<void> => {
    client.close()
    await server.stop()
  }
  try {
    // The first one makes the template, which others may want to look at.
    await createAndDestroy(client)
    const worker = await operation(client)
    return { once: worker.once, close: () => worker.close().then(close) }
  } catch (error) {
    await close()
    throw error
  }
}

async function operation(client: Client): Promise<Worker> {
  const name = setting('OPERATION')
  if (name === 'run-true') {
    const sandbox = await Sandbox.create({ client })
    return { once: () => runTrue(sandbox), close: () => sandbox.destroy() }
  }
  if (name === 'create-and-destroy') return { once: () => createAndDestroy(client), close: async () => {} }
  const begin = begins[name as keyof typeof begins]
  const count = Number(setting('IN_ROW'))
  return { once: (nonce) => inRow(count, () => begin(client, nonce)), close: async () => {} }
}

/** The clock stops when the whole result is there, which is after its first byte. */
async function createAndRun(client: Client, nonce: string): Promise<Begun> {
  const begin = performance.now()
  const sandbox = await Sandbox.create({ client })
  const created = performance.now()
  const { stdout } = await sandbox.run(['echo', nonce])
  const value = performance.now() - begin
  return begun(sandbox, value, created - begin, stdout === `${nonce}\n`)
}

async function createAndStream(client: Client, nonce: string): Promise<Begun> {
  const begin = performance.now()
  const sandbox = await Sandbox.create({ client })
  const created = performance.now()
  const process = await sandbox.processes.start(['echo', nonce])
  let value = Number.NaN
  let stdout = ''
  for await (const { bytes } of process.output()) {
    if (stdout === '') value = performance.now() - begin
    stdout += Buffer.from(bytes).toString()
  }
  await process.wait()
  return begun(sandbox, value, created - begin, stdout === `${nonce}\n`)
}

function begun(sandbox: Sandbox, value: number, createMs: number, isRight: boolean): Begun {
  const finish = async (): Promise<void> => {
    await using _removed = sandbox
    if (!isRight) throw new Error('the output is not what was echoed')
    await checkFresh(sandbox)
  }
  return { value, parts: { create: createMs, command: value - createMs }, finish }
}

async function runTrue(sandbox: Sandbox): Promise<Outcome> {
  const begin = performance.now()
  const { exitCode } = await sandbox.run(['true'])
  const value = performance.now() - begin
  if (exitCode !== 0) throw new Error(`true ended with ${exitCode}`)
  return { value }
}

async function createAndDestroy(client: Client): Promise<Outcome> {
  const begin = performance.now()
  const sandbox = await Sandbox.create({ client })
  await sandbox.destroy()
  return { value: performance.now() - begin }
}
