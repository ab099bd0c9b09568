// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest'
import { Cleanup } from './cleanup.ts'
import { Operation } from './operation.ts'

const never = new Promise<void>(() => {})

describe('an operation', () => {
  test('that runs out of time tells what it was waiting for', async () => {
    const operation = new Operation('create sandbox', { timeoutMs: 10 })
    operation.log('prepared a blank')
    const error = (await operation.race(never).catch((thrown: unknown) => thrown)) as Error
    expect(error).toMatchObject({ code: 'request.timed_out', message: 'create sandbox timed out', retryable: true })
    expect(error).toMatchObject({ context: { log: [expect.stringMatching(/^\d+\.\d ms prepared a blank$/)] } })
  })

  test('whose caller goes away is cancelled, not timed out', async () => {
    const abort = new AbortController()
    const operation = new Operation('run', { timeoutMs: 5000, signal: abort.signal })
    const racing = operation.race(never)
    abort.abort()
    await expect(racing).rejects.toMatchObject({ code: 'request.cancelled' })
    expect(() => operation.check()).toThrow('run was cancelled')
  })

  test('that ended starts nothing more', async () => {
    const operation = new Operation('run', { signal: AbortSignal.abort() })
    await expect(operation.race(Promise.resolve(1))).rejects.toMatchObject({ code: 'request.cancelled' })
  })

  test('that ended waits for no work, and the failure of that work harms nobody', async () => {
    const operation = new Operation('run', { signal: AbortSignal.abort() })
    const work = Promise.reject(new Error('too late'))
    await expect(operation.race(work)).rejects.toMatchObject({ code: 'request.cancelled' })
  })

  test('answers with its work when that comes first', async () => {
    await expect(new Operation('run').race(Promise.resolve(42))).resolves.toBe(42)
  })
})

describe('cleanup', () => {
  test('closes in reverse, each step whatever the others do, and tells what is left', async () => {
    const order: string[] = []
    const cleanup = new Cleanup()
    cleanup.add('first', () => void order.push('first'))
    cleanup.add('second', () => Promise.reject(new Error('stuck')))
    cleanup.add('third', async () => void order.push('third'))
    expect(await cleanup.run()).toEqual(['second: stuck'])
    expect(order).toEqual(['third', 'first'])
    expect(await cleanup.run()).toEqual([])
  })
})
