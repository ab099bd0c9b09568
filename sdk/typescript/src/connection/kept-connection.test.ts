// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { Client } from './client.ts'

const PROGRAM = fileURLToPath(new URL('../../test/impatient-server.mjs', import.meta.url))

test.each(['unix', 'tcp'])(
  'a program that was too busy to hear of the end of its kept connections loses no request (%s)',
  async (kind) => {
    const folder = mkdtempSync(join(tmpdir(), 'isola-kept-'))
    const where = kind === 'tcp' ? kind : join(folder, 'socket')
    const server = spawn(process.execPath, [PROGRAM, where], { stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      const [line] = (await once(server.stdout, 'data')) as [Buffer]
      const client = new Client({ url: String(line).trim() })
      await client.info()
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1200)
      expect(await client.requestJson({ method: 'POST', path: '/v1/once' })).toMatchObject({ pid: server.pid })
      client.close()
    } finally {
      server.kill()
      rmSync(folder, { recursive: true, force: true })
    }
  },
)
