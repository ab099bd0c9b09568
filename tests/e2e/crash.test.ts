// SPDX-License-Identifier: Apache-2.0
import { Sandbox } from '@isola/sdk'
import { expect } from 'vitest'
import { tracedProcesses } from '../support/inventory/processes.ts'
import { Restartable } from '../support/restartable.ts'
import type { Subject } from '../support/subject.ts'
import { onEachAccount } from './on-each-account.ts'

const LIVE = 200
const AT_ONCE = 20

/** Does it for all, a few at a time. */
async function forAll<T, R>(items: readonly T[], action: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let at = 0; at < items.length; at += AT_ONCE)
    results.push(...(await Promise.all(items.slice(at, at + AT_ONCE).map(action))))
  return results
}

onEachAccount((visit) => {
  visit.test(
    `killing the server and then the launcher costs none of ${LIVE} live sandboxes`,
    async () => {
      await using isola = await Restartable.start(visit.driver)
      const sandboxes = await forAll([...Array(LIVE).keys()], (index) =>
        isola.create({ labels: { index: String(index) } }),
      )
      await forAll(sandboxes, (sandbox) => sandbox.read(['sh', '-c', `echo ${sandbox.id} > mark`]))
      const answer = (sandbox: Subject) => sandbox.read(['cat', 'mark'])
      const ids = sandboxes.map(({ id }) => id)

      await isola.killServer()
      await isola.startServer()
      expect(await forAll(sandboxes, answer)).toEqual(ids)

      isola.killLauncher()
      expect(await forAll(sandboxes, answer)).toEqual(ids)

      await isola.killServer()
      await isola.startServer()
      expect(await forAll(sandboxes, answer)).toEqual(ids)
      const listed: string[] = []
      for await (const { id, state } of Sandbox.list(isola.connection)) if (state === 'running') listed.push(id)
      expect(listed.sort()).toEqual([...ids].sort())

      await forAll(sandboxes, (sandbox) => sandbox[Symbol.asyncDispose]())
      expect(await isola.end(), isola.server.log).toEqual([])
      expect(tracedProcesses(isola.place.trace)).toEqual([])
    },
    240_000,
  )
})
