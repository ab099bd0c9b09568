// SPDX-License-Identifier: Apache-2.0
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import {
  type Answer,
  type DecodedPacket,
  decode,
  encode,
  streamDecode,
  streamEncode,
  TRUNCATED_RESPONSE,
} from 'dns-packet'

const NO_SUCH_NAME = 3
const MOST_OVER_UDP = 8

export type DnsZone = (name: string, type: string) => readonly Answer[] | 'no-such-name' | 'silence' | number

/** A DNS server on 127.0.0.1 that answers from `zone`; a number is a response code. Long answers need TCP. */
export async function startDnsServer(zone: DnsZone) {
  const asked: string[] = []
  const answer = (packet: DecodedPacket, mayBeLong: boolean) => {
    const [question] = packet.questions ?? []
    if (question === undefined) return undefined
    asked.push(`${question.name} ${question.type}`)
    const found = zone(question.name.toLowerCase(), question.type)
    if (found === 'silence') return undefined
    const response = { type: 'response' as const, id: packet.id, questions: [question] }
    if (found === 'no-such-name') return { ...response, flags: NO_SUCH_NAME }
    if (typeof found === 'number') return { ...response, flags: found }
    if (found.length > MOST_OVER_UDP && !mayBeLong) return { ...response, flags: TRUNCATED_RESPONSE }
    return { ...response, answers: [...found] }
  }

  const tcp = createServer((socket) => {
    socket.on('data', (bytes) => {
      const response = answer(streamDecode(bytes) as DecodedPacket, true)
      if (response !== undefined) socket.write(streamEncode(response))
    })
    socket.on('error', () => {})
  })
  tcp.listen(0, '127.0.0.1')
  await once(tcp, 'listening')
  const { port } = tcp.address() as AddressInfo

  const udp = createSocket('udp4')
  udp.on('message', (bytes, from) => {
    const response = answer(decode(bytes), false)
    if (response !== undefined) udp.send(encode(response), from.port, from.address)
  })
  udp.bind(port, '127.0.0.1')
  await once(udp, 'listening')

  return {
    address: `127.0.0.1:${port}`,
    asked,
    async [Symbol.asyncDispose]() {
      udp.close()
      tcp.close()
      await once(tcp, 'close')
    },
  }
}
