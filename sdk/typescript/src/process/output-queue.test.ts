// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { type OutputChunk, OutputQueue } from './output-queue.ts'

const chunk = (text: string): OutputChunk => ({ stream: 'stdout', bytes: Buffer.from(text) })

test('chunks come out in order and are counted as taken only then', async () => {
  const taken: string[] = []
  const queue = new OutputQueue(({ bytes }) => taken.push(String(bytes)))
  queue.push(chunk('a'))
  queue.push(chunk('b'))
  expect(taken).toEqual([])
  const iterator = queue[Symbol.asyncIterator]()
  await iterator.next()
  expect(taken).toEqual(['a'])
})

test('a reader that waits gets the chunk that comes, then the end', async () => {
  const queue = new OutputQueue(() => undefined)
  const iterator = queue[Symbol.asyncIterator]()
  const first = iterator.next()
  queue.push(chunk('a'))
  expect(await first).toMatchObject({ done: false })
  const last = iterator.next()
  queue.end()
  expect(await last).toEqual({ done: true, value: undefined })
})

test('an error comes after what was written before it', async () => {
  const queue = new OutputQueue(() => undefined)
  queue.push(chunk('a'))
  queue.end({ error: new Error('lost') })
  const iterator = queue[Symbol.asyncIterator]()
  expect(await iterator.next()).toMatchObject({ done: false })
  await expect(iterator.next()).rejects.toThrow('lost')
})

test('leaving the loop lets go of what is there and of what comes', async () => {
  let takenBytes = 0
  const queue = new OutputQueue(({ bytes }) => {
    takenBytes += bytes.length
  })
  queue.push(chunk('one'))
  queue.push(chunk('two'))
  for await (const _ of queue) break
  queue.push(chunk('three'))
  expect(takenBytes).toBe('onetwothree'.length)
})
