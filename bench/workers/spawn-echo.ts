// SPDX-License-Identifier: Apache-2.0
// What people do without isolation: child_process.spawn('echo') from a Node process of ordinary size.
import { spawn } from 'node:child_process'
import { residentToAtLeast } from './resident.ts'
import { type Outcome, serve } from './serve.ts'

const RESIDENT_MIB = 64

await serve(async () => {
  const kept = residentToAtLeast(RESIDENT_MIB)
  return { once: (nonce) => echo(nonce), close: async () => void kept.length }
})

function echo(nonce: string): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let text = ''
    let value = Number.NaN
    const begin = performance.now()
    const child = spawn('echo', [nonce], { stdio: ['ignore', 'pipe', 'inherit'] })
    child.stdout.on('data', (chunk: Buffer) => {
      if (text === '') value = performance.now() - begin
      text += chunk.toString()
    })
    child.once('error', reject)
    child.once('close', () => (text === `${nonce}\n` ? resolve({ value }) : reject(new Error(`wrong output ${text}`))))
  })
}
