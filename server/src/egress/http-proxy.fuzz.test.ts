// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { TestRelay, until } from '../../test/http-test-relay.ts'

const REQUESTS = [
  'GET http://b:1/x HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: close, X\r\nX: 1\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX: 1\r\n\r\nGET / HTTP/1.1\r\nHost: denied\r\n\r\n',
  'PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabcHEAD / HTTP/1.0\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nraw',
]
const ANSWERS = [
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n2\r\nok\r\n0\r\nX: 1\r\n\r\n',
  'HTTP/1.1 103 Hints\r\nLink: a\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nno',
  'HTTP/1.1 101 Switch\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nraw',
  'HTTP/1.0 200 OK\r\n\r\nto the end',
]
const PIECES = [
  '\r\n',
  '\n',
  '\r',
  ' ',
  '\t',
  ':',
  '\0',
  '\x7f',
  '\xff',
  '0',
  '-1',
  ',',
  'chunked',
  'HTTP/1.1',
  'Host: x\r\n',
]

test('whatever client and server send, nothing breaks and every connection ends', async () => {
  await using relay = await TestRelay.start({ headMs: 50 })
  const random = randomFrom(20_261_201)
  const pick = (list: readonly string[]) => list[Math.floor(random() * list.length)] ?? ''
  const mutate = (text: string) => {
    let mutated = text
    for (let count = Math.floor(random() * 4); count > 0; count--) {
      const at = Math.floor(random() * mutated.length)
      mutated =
        mutated.slice(0, at) + (random() < 0.7 ? pick(PIECES) : '') + mutated.slice(at + Math.floor(random() * 3))
    }
    return mutated
  }
  let answer = ''
  const port = await relay.tcp((socket) => {
    socket
      .resume()
      .once('data', () => (answer.length % 3 === 0 ? socket.write(answer, 'latin1') : socket.end(answer, 'latin1')))
  })
  for (let round = 0; round < 400; round++) {
    answer = mutate(pick(ANSWERS))
    const client = await relay.client(port)
    client.resume().write(mutate(pick(REQUESTS)), 'latin1')
    const wasAsked = relay.asked.length
    const closed = new Promise((resolve) => client.once('close', resolve))
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 10))])
    client.destroy()
    await closed
    expect(relay.asked.length - wasAsked).toBeLessThanOrEqual(3)
  }
  await until(
    () => relay.told.filter(({ status }) => status !== 400 && status !== 501).length >= relay.asked.length / 2,
  )
  await relay.proxy.close()
  await until(() => relay.told.length >= relay.asked.length)
  expect(relay.log).toEqual([])
}, 60_000)

function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
