// SPDX-License-Identifier: Apache-2.0
// Resident memory of an idle server, some seconds after its start: Isola's with its launcher, or a bare one.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startIsola } from './isola-server.ts'
import { launcherPids } from './isola-pids.host.ts'
import { type Outcome, serve } from './serve.ts'
import { startServer } from './server-process.ts'
import { setting } from './setting.ts'

const SETTLE_MS = 3000

await serve(async () => ({ once: setting('OPERATION') === 'bare' ? bare : isola, close: async () => {} }))

async function isola(): Promise<Outcome> {
  const stateDirectory = setting('STATE')
  const server = await startIsola({ stateDirectory, program: setting('SERVER') })
  await sleep(SETTLE_MS)
  const serverMib = residentMib(server.pid)
  const launcherMib = launcherPids(stateDirectory).reduce((sum, pid) => sum + residentMib(pid), 0)
  await server.stop()
  return { value: serverMib + launcherMib, parts: { server: serverMib, launcher: launcherMib } }
}

async function bare(): Promise<Outcome> {
  const folder = mkdtempSync(path.join(tmpdir(), 'isola-bench-bare-'))
  const server = await startServer([
    path.join(import.meta.dirname, 'bare-http-server.mjs'),
    path.join(folder, 'bare.sock'),
  ])
  await sleep(SETTLE_MS)
  const value = residentMib(server.pid)
  await server.stop()
  rmSync(folder, { recursive: true })
  return { value }
}

function residentMib(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}
