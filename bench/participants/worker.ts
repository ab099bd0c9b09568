// SPDX-License-Identifier: Apache-2.0
import path from 'node:path'
import { CpuGroup } from '../host/cpu-group.host.ts'
import { LineProcess } from './line-process.ts'
import type { IsolationClass, Participant } from './participant.ts'

export interface WorkerOptions {
  readonly name: string
  readonly isolation: IsolationClass
  /** File in `bench/workers/`. */
  readonly script: string
  readonly env?: Readonly<Record<string, string>>
}

/** Somebody whose operation is done and timed by a Node process of its own. */
export async function workerParticipant(options: WorkerOptions): Promise<Participant> {
  const script = path.join(import.meta.dirname, '../workers', options.script)
  const worker = new LineProcess(process.execPath, ['--conditions=@isola/source', script], {
    ...process.env,
    ...options.env,
  })
  const cpu = CpuGroup.make(options.name)
  // It starts its own processes on this word only, so that they are counted too.
  cpu?.add(worker.pid)
  const close = async (): Promise<void> => {
    await worker.close()
    await cpu?.remove()
  }
  const started = await worker.ask('start').catch((error: Error) => ({ ok: false, error: error.message }))
  if (!started.ok) {
    await close()
    throw new Error(`${options.name}: ${started.error}`)
  }
  return {
    name: options.name,
    isolation: options.isolation,
    cpu,
    once: async (nonce) => {
      const { ok, error, value, teardownMs, parts } = await worker.ask('once', nonce)
      if (!ok) throw new Error(error)
      return {
        value: Number(value),
        ...(typeof teardownMs === 'number' ? { teardownMs } : {}),
        ...(parts === undefined ? {} : { parts: parts as Record<string, number> }),
      }
    },
    close,
  }
}
