// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { root, runToEnd } from '../run-to-end.ts'

const PINNED = path.join(root, 'tools/setup/pinned-node.mjs')
let folder: string
beforeEach(() => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'isola-pinned-')))
  mkdirSync(path.join(folder, 'below'))
  writeFileSync(path.join(folder, 'hello.ts'), 'console.log(process.argv.slice(2).join())\n')
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

test.each([
  { name: 'relative to where the user is', script: () => '../hello.ts' },
  { name: 'absolute', script: () => path.join(folder, 'hello.ts') },
])('a script may be $name', async ({ script }) => {
  const run = `import(process.argv[1]).then(({ runPinned }) => runPinned(process.argv[2], ['a', 'b']))`
  const end = await runToEnd(process.execPath, ['-e', run, PINNED, script()], { cwd: path.join(folder, 'below') })
  expect(end).toMatchObject({ exitCode: 0, output: 'a,b\n' })
})

test.each(['missing.ts', 'below'])('%s is no script, which one line says before anything is set up', async (name) => {
  const end = await runToEnd(process.execPath, [path.join(root, 'tools/setup.mjs'), name], { cwd: folder })
  expect(end.exitCode).toBe(2)
  expect(end.output.trim().split('\n')).toEqual([
    expect.stringMatching(new RegExp(`^run ${name}: there is no file ${path.join(folder, name)} \\(hint: .+\\)$`)),
  ])
})
