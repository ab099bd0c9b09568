// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Operation, type TemplateSource, type TemplateTools } from '@isola/core'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createTemplates } from './templates.host.ts'

let directory: string
let templates: TemplateSource
let agentBinary: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'isola-templates-'))
  agentBinary = join(directory, 'agent')
  await writeFile(agentBinary, 'an agent')
  templates = createTemplates({ stateDirectory: directory, agentBinary, env: { PATH: '/usr/bin' } })
})
afterEach(async () => {
  vi.useRealTimers()
  await rm(directory, { recursive: true })
})

/** A walk over /usr that ends when the test says so, or with the operation that it was given. */
function slowWalk() {
  const walks: Operation[] = []
  const begun = Promise.withResolvers<void>()
  const end = Promise.withResolvers<[]>()
  const tools: TemplateTools = {
    fileOwners: 'as-on-disk',
    findUnreadable: (_path, operation) => {
      walks.push(operation)
      begun.resolve()
      return operation.race(end.promise)
    },
  }
  return { tools, walks, begun: begun.promise, end: () => end.resolve([]) }
}

test('a build goes on for the others when the one who began it has gone', async () => {
  const { tools, walks, begun, end } = slowWalk()
  const abort = new AbortController()
  const first = templates.resolve('host', tools, new Operation('first', { signal: abort.signal }))
  const refused = first.catch((error: unknown) => error)
  await begun
  const second = templates.resolve('host', tools, new Operation('second'))
  abort.abort()
  expect(await refused).toMatchObject({ code: 'request.cancelled' })
  end()
  expect((await second).rootfs.usr?.lowers).toContain('/usr')
  expect(walks).toHaveLength(1)
}, 60_000)

test('a build that failed is begun again', async () => {
  const { tools, walks, end } = slowWalk()
  const failing: TemplateTools = { ...tools, findUnreadable: () => Promise.reject(new Error('no launcher')) }
  await expect(templates.resolve('host', failing, new Operation('first'))).rejects.toMatchObject({
    code: 'template.build_failed',
  })
  end()
  expect((await templates.resolve('host', tools, new Operation('second'))).workdir).toBe('/home/user')
  expect(walks).toHaveLength(1)
  expect((await readdir(join(directory, 'templates'))).filter((name) => name.startsWith('.draft-'))).toEqual([])
}, 60_000)

test('what is inside has another fingerprint as soon as the host has changed, and the same one before', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const { tools, end } = slowWalk()
  end()
  const fingerprint = async () => (await templates.resolve('host', tools, new Operation('resolve'))).fingerprint
  const before = await fingerprint()
  vi.advanceTimersByTime(10_000)
  expect(await fingerprint()).toBe(before)
  await writeFile(agentBinary, 'another agent')
  vi.advanceTimersByTime(10_000)
  expect(await fingerprint()).not.toBe(before)
}, 60_000)
