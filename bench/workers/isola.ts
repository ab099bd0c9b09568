// SPDX-License-Identifier: Apache-2.0
// Isola as its user has it: the public SDK, HTTP, a server of its own.
import { readFileSync } from 'node:fs'
import { Client, Sandbox } from '@isola/sdk'
import { checkFresh } from './fresh.ts'
import { startIsola } from './isola-server.ts'
import { type Outcome, serve, type Worker } from './serve.ts'
import { setting } from './setting.ts'

const operations = {
  'create-and-run': createAndRun,
  'create-and-stream': createAndStream,
  'create-and-destroy': createAndDestroy,
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
  // The first one makes the template, which others may want to look at.
  await createAndDestroy(client)
  const worker = await operation(client)
  return {
    once: worker.once,
    close: async () => {
      await worker.close()
      client.close()
      await server.stop()
    },
  }
}

async function operation(client: Client): Promise<Worker> {
  const name = setting('OPERATION')
  if (name === 'run-true') {
    const sandbox = await Sandbox.create({ client })
    return { once: () => runTrue(sandbox), close: () => sandbox.destroy() }
  }
  const once = operations[name as keyof typeof operations]
  return { once: (nonce) => once(client, nonce), close: async () => {} }
}

/** The clock stops when the whole result is there, which is after its first byte. */
async function createAndRun(client: Client, nonce: string): Promise<Outcome> {
  const begin = performance.now()
  const sandbox = await Sandbox.create({ client })
  const created = performance.now()
  const { stdout } = await sandbox.run(['echo', nonce])
  const value = performance.now() - begin
  return finish(sandbox, { value, createMs: created - begin }, stdout, nonce)
}

async function createAndStream(client: Client, nonce: string): Promise<Outcome> {
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
  return finish(sandbox, { value, createMs: created - begin }, stdout, nonce)
}

/** Checks are made after the clock has stopped, and before anything is taken down. */
async function finish(
  sandbox: Sandbox,
  times: { value: number; createMs: number },
  stdout: string,
  nonce: string,
): Promise<Outcome> {
  let teardownMs: number
  try {
    if (stdout !== `${nonce}\n`) throw new Error(`wrong output ${JSON.stringify(stdout)}`)
    await checkFresh(sandbox)
  } finally {
    const begin = performance.now()
    await sandbox.destroy()
    teardownMs = performance.now() - begin
  }
  const { value, createMs } = times
  return { value, teardownMs, parts: { create: createMs, command: value - createMs } }
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
