// SPDX-License-Identifier: Apache-2.0
import { expect } from 'vitest'
import { onHost } from '../support/on-host.ts'
import { onEachDriver, type Skip } from '../support/world.ts'
import { verifies } from './verifies.ts'

const USUAL = [
  'sh',
  'bash',
  'cat',
  'ls',
  'cp',
  'mv',
  'rm',
  'mkdir',
  'chmod',
  'grep',
  'sed',
  'awk',
  'find',
  'sort',
  'head',
  'tar',
  'gzip',
  'env',
  'xargs',
  'sha256sum',
  'sudo',
  'id',
  'ps',
]

async function requireOnHost(program: string, skip: Skip): Promise<void> {
  if ((await onHost(['sh', '-c', `command -v ${program}`])).exitCode !== 0)
    skip(`${program} is not on the PATH of this host`)
}

onEachDriver((world) => {
  verifies(world, 'program.python', async ({ skip }) => {
    await requireOnHost('python3', skip)
    const sandbox = await world.shared()
    expect(await sandbox.read(['python3', '-c', 'print(6*7)'])).toBe('42')
    expect(
      await sandbox.read([
        'python3',
        '-c',
        'import json, ssl, sqlite3, hashlib, ctypes; print(json.dumps({"ok": True}))',
      ]),
    ).toBe('{"ok": true}')
  })

  verifies(world, 'program.node', async ({ skip }) => {
    await requireOnHost('node', skip)
    const sandbox = await world.shared()
    expect(await sandbox.read(['node', '-e', 'console.log(6*7)'])).toBe('42')
    expect(
      await sandbox.read([
        'node',
        '-p',
        'require("crypto").createHash("sha256").update("").digest("hex").slice(0, 8) + [..."ab"].map(x => x + x)',
      ]),
    ).toBe('e3b0c442aa,bb')
  })

  verifies(world, 'program.tools', async () => {
    const missing = []
    for (const tool of USUAL)
      if (
        tool === 'sudo' ||
        (await onHost(['sh', '-c', `PATH=/usr/sbin:/usr/bin:/sbin:/bin command -v ${tool}`])).exitCode === 0
      )
        missing.push(tool)
    const sandbox = await world.shared()
    expect(
      await sandbox.read(`for tool in ${missing.join(' ')}; do command -v $tool >/dev/null || echo $tool; done`),
    ).toBe('')
    expect(await sandbox.read('echo $PATH')).toContain('/usr/bin')
  })
})
