// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type ByteChannel, Operation } from '@isola/core'
import { describe, expect, test } from 'vitest'
import { connectUnix } from './unix-channel.host.ts'

interface Connection extends AsyncDisposable {
  readonly channel: ByteChannel
  readonly peer: Socket
}

async function connection(): Promise<Connection> {
  const directory = mkdtempSync(path.join(tmpdir(), 'isola-channel-'))
  const address = path.join(directory, 's')
  const server = createServer()
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve))
  await new Promise<void>((resolve) => server.listen(address, resolve))
  const channel = await connectUnix(address, new Operation('test', { timeoutMs: 5000 }))
  const peer = await accepted
  return {
    channel,
    peer,
    async [Symbol.asyncDispose]() {
      channel.close()
      peer.destroy()
      await new Promise((resolve) => server.close(resolve))
      rmSync(directory, { recursive: true })
    },
  }
}

describe('a unix socket as a channel', () => {
  test('carries bytes both ways, in order', async () => {
    await using link = await connection()
    link.peer.on('data', (chunk) => link.peer.write(chunk))
    const received: Uint8Array[] = []
    const whole = new Promise<void>((resolve) =>
      link.channel.onData((chunk) => {
        received.push(chunk)
        if (Buffer.concat(received).length === 6) resolve()
      }),
    )
    for (const part of ['ab', 'cd', 'ef']) link.channel.write(Buffer.from(part))
    await whole
    expect(Buffer.concat(received).toString()).toBe('abcdef')
  })

  test('what is written in one turn leaves in one piece', async () => {
    await using link = await connection()
    const arrived = new Promise<Buffer>((resolve) => link.peer.once('data', resolve))
    link.channel.write(Buffer.from('header'))
    link.channel.write(Buffer.from('payload'))
    expect((await arrived).toString()).toBe('headerpayload')
  })

  test('tells when it is full and when there is room again', async () => {
    await using link = await connection()
    link.peer.pause()
    const drained = new Promise<void>((resolve) => link.channel.onDrain(resolve))
    expect(link.channel.write(new Uint8Array(4_000_000))).toBe(false)
    link.peer.resume()
    await drained
  })

  test('tells once that it is over', async () => {
    await using link = await connection()
    let ends = 0
    const over = new Promise<void>((resolve) =>
      link.channel.onClose(() => {
        ends += 1
        resolve()
      }),
    )
    link.channel.onData(() => {})
    link.peer.end()
    await over
    expect(ends).toBe(1)
  })

  test('that nobody listens on is an error with its code', async () => {
    const connecting = connectUnix('/nonexistent/agent.sock', new Operation('test', { timeoutMs: 5000 }))
    await expect(connecting).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
