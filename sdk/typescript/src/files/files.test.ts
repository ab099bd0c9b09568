// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, expect, test } from 'vitest'
import { IsolaError } from '@isola/protocol/wire'
import { collect } from '../../test/collect.ts'
import { pattern } from '../../test/fake-programs.ts'
import { FakeServer } from '../../test/fake-server.ts'
import { Client } from '../connection/client.ts'
import { Sandbox } from '../sandbox/sandbox.ts'

let server: FakeServer
let sandbox: Sandbox
beforeEach(async () => {
  server = await FakeServer.listen()
  sandbox = await Sandbox.create({ client: new Client({ url: server.url }) })
})
afterEach(() => server.close())

const chunked = async function* (bytes: Uint8Array) {
  for (let offset = 0; offset < bytes.length; offset += 100_003) yield bytes.subarray(offset, offset + 100_003)
}

test.each([
  ['text', 'grün'],
  ['bytes', pattern(0, 300_000)],
  ['a stream', chunked(pattern(0, 3_000_000))],
  ['a web stream', ReadableStream.from(chunked(pattern(0, 300_000)))],
  ['nothing', new Uint8Array()],
])('%s is written and read back exactly', async (_, content) => {
  const expected =
    typeof content === 'string' ? Buffer.from(content) : content instanceof Uint8Array ? content : undefined
  const { size } = await sandbox.files.write('/a', content, { mode: 0o600 })
  const back = await sandbox.files.read('/a')
  expect(back.length).toBe(size)
  expect(Buffer.compare(back, expected ?? pattern(0, size))).toBe(0)
  expect(await sandbox.files.stat('/a')).toMatchObject({ type: 'file', size, mode: 0o600 })
})

test('a part of a file, as bytes, text and stream', async () => {
  await sandbox.files.write('/a', 'hello world')
  expect(await sandbox.files.readText('/a', { offset: 6 })).toBe('world')
  const stream = await sandbox.files.readStream('/a', { offset: 0, length: 5 })
  expect(String(Buffer.concat(await collect(stream)))).toBe('hello')
})

test('a refusal while a stream is sent is the error, and ends the sending', async () => {
  server.refuseNext = new IsolaError('file.permission_denied', 'write /etc/x: permission denied')
  const endless = (async function* () {
    for (;;) yield Buffer.alloc(65_536)
  })()
  await expect(sandbox.files.write('/etc/x', endless)).rejects.toMatchObject({ code: 'file.permission_denied' })
})

test('a source that breaks off is the error', async () => {
  const broken = (async function* () {
    yield Buffer.from('half')
    throw new Error('the tape tore')
  })()
  await expect(sandbox.files.write('/a', broken)).rejects.toThrow('the tape tore')
  expect(await sandbox.files.exists('/a')).toBe(false)
})

test('a listing that is too long is an error, unless the limit was asked for', async () => {
  for (const name of ['a', 'b', 'c', 'd']) await sandbox.files.write(`/dir/${name}`, name)
  await expect(sandbox.files.list('/dir')).rejects.toMatchObject({ code: 'list.truncated' })
  expect((await sandbox.files.list('/dir', { limit: 2 })).map(({ name }) => name)).toEqual(['a', 'b'])
})

test('directories are made, things moved and removed', async () => {
  await sandbox.files.makeDirectory('/d', { mode: 0o700 })
  expect(await sandbox.files.stat('/d')).toMatchObject({ type: 'directory', mode: 0o700 })
  await sandbox.files.write('/d/a', 'x')
  await sandbox.files.move('/d/a', '/d/b')
  expect(await sandbox.files.exists('/d/a')).toBe(false)
  await sandbox.files.remove('/d/b')
  await expect(sandbox.files.read('/d/b')).rejects.toMatchObject({ code: 'file.not_found' })
})

test('a mode that is none is refused before anything is sent', async () => {
  await expect(sandbox.files.write('/a', '', { mode: 99999 })).rejects.toMatchObject({ code: 'argument.invalid' })
})
