// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs'
import { expect } from 'vitest'
import { IsolaServer, Place } from '../support/isola-server.ts'
import { endPlace } from '../support/end-place.ts'
import { accountOf } from '../support/driver-cells.ts'
import { Subject } from '../support/subject.ts'
import { onEachAccount } from './on-each-account.ts'

onEachAccount((visit) => {
  visit.test(
    'a server that was started by itself ends itself when idle and nothing lives, and leaves nothing',
    async () => {
      const place = new Place(accountOf(visit.driver))
      const server = await IsolaServer.start(place, ['--auto', '--idle-exit-ms', '300'])
      const sandbox = await Subject.create({ url: `unix:${server.socketPath}` }, {})
      expect(await sandbox.read(['echo', 'works'])).toBe('works')
      await sandbox[Symbol.asyncDispose]()
      expect(await server.ended).toBe(0)
      expect(existsSync(server.socketPath)).toBe(false)
      expect(await endPlace(place), server.log).toEqual([])
    },
  )

  visit.test('it stays while a sandbox lives', async () => {
    const place = new Place(accountOf(visit.driver))
    const server = await IsolaServer.start(place, ['--auto', '--idle-exit-ms', '200'])
    const sandbox = await Subject.create({ url: `unix:${server.socketPath}` }, {})
    expect(await sandbox.read('sleep 1; echo works')).toBe('works')
    await sandbox[Symbol.asyncDispose]()
    expect(await server.ended).toBe(0)
    expect(await endPlace(place), server.log).toEqual([])
  })

  visit.test('many clients that find no server start one', async () => {
    const line = visit.line
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, index) => line.isola(['run', '--', 'echo', String(index)])),
    )
    expect(results.map(({ stdout, stderr, exitCode }) => `${exitCode} ${stderr}${stdout.trim()}`)).toEqual(
      Array.from({ length: 8 }, (_, index) => `0 ${index}`),
    )
  })

  visit.test('SIGTERM and SIGINT end a server, its sandboxes live on for the next one', async () => {
    const place = new Place(accountOf(visit.driver))
    let server = await IsolaServer.start(place)
    const sandbox = await Subject.create({ url: `unix:${server.socketPath}` }, {})
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      expect(await server.signal(signal)).toBe(0)
      server = await IsolaServer.start(place)
      expect(await sandbox.read(['echo', 'lives'])).toBe('lives')
    }
    await sandbox[Symbol.asyncDispose]()
    expect(await server.stop()).toBe(0)
    expect(await endPlace(place), server.log).toEqual([])
  })
})
