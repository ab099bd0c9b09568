// SPDX-License-Identifier: Apache-2.0
import { createInterface } from 'node:readline'

export interface Outcome {
  readonly value: number
  readonly teardownMs?: number
  readonly parts?: Readonly<Record<string, number>>
}

export interface Worker {
  once(nonce: string): Promise<Outcome>
  close(): Promise<void>
}

/** The worker's side of the line protocol: `start`, then `once NONCE` until the input ends. */
export async function serve(start: () => Promise<Worker>): Promise<void> {
  // Ctrl-C is for the benchmark, which then lets its workers end in order.
  process.on('SIGINT', () => {})
  let worker: Worker | undefined
  for await (const line of createInterface({ input: process.stdin })) {
    const [command, nonce = ''] = line.split('\t')
    try {
      if (command === 'start') {
        worker = await start()
        answer({ ok: true })
      } else {
        answer({ ok: true, ...(await (worker as Worker).once(nonce)) })
      }
    } catch (error) {
      answer({ ok: false, error: error instanceof Error ? error.message : String(error) })
    }
  }
  await worker?.close()
  process.exit(0)
}

function answer(fields: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(fields)}\n`)
}
