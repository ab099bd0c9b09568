// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isRoot, ordinaryAccount, rootAccount } from '../support/account.ts'
import { endPlace } from '../support/end-place.ts'
import { IsolaServer, Place } from '../support/isola-server.ts'
import { rawConversation } from '../support/raw-conversation.ts'

let place: Place
let server: IsolaServer

beforeAll(async () => {
  place = new Place(isRoot ? rootAccount : ordinaryAccount)
  server = await IsolaServer.start(place, ['--listen', '127.0.0.1:0'])
}, 60_000)

afterAll(async () => {
  expect(await server.stop()).toBe(0)
  expect(await endPlace(place)).toEqual([])
}, 60_000)

// The server's deadline for a request is 30 s, and is waited for.
test('two hundred requests that never end: keep nobody waiting, and are cut off', { timeout: 120_000 }, async () => {
  const key = readFileSync(server.ready.keyFile as string, 'utf8').trim()
  const url = server.ready.url as string
  const headless = 'POST /v1/sandboxes HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n'
  const bodiless = `${headless}Authorization: Bearer ${key}\r\nContent-Type: application/json\r\n\r\n{`
  const slow = Array.from({ length: 200 }, (_, index) => rawConversation(url, index % 2 === 0 ? headless : bodiless))
  expect((await fetch(`${url}/v1/health`)).status).toBe(200)
  // Each ends only when the server closes it.
  for (const answer of await Promise.all(slow)) expect(answer).toMatch(/^HTTP\/1\.1 504 /)
})
