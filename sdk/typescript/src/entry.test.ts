// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'

const LIST_MODULES = `
  import { registerHooks } from 'node:module'
  const loaded = []
  registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context) } })
  await import('@isola/sdk')
  console.log(JSON.stringify(loaded))`

test('loading the client loads no schemas: those cost more than a whole command', () => {
  const args = ['--conditions=@isola/source', '--input-type=module', '--eval', LIST_MODULES]
  const loaded = JSON.parse(
    execFileSync(process.execPath, args, { cwd: import.meta.dirname, encoding: 'utf8' }),
  ) as string[]
  expect(loaded.some((url) => url.endsWith('/protocol/src/wire.ts'))).toBe(true)
  expect(loaded.filter((url) => url.includes('/zod/'))).toEqual([])
})
