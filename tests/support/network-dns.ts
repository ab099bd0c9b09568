// SPDX-License-Identifier: Apache-2.0
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import type { TargetEvent, Zone, ZoneAnswer } from './network-wording.ts'

const HEADER_BYTES = 12
const TYPES: ReadonlyMap<number, 4 | 6> = new Map([
  [1, 4],
  [28, 6],
])

/** A DNS server of a test's own, which tells of every question. */
export async function openDnsServer(
  address: string,
  tell: (event: TargetEvent) => void,
): Promise<{ setZone(zone: Zone): void }> {
  let zone: Record<string, ZoneAnswer[]> = {}

  function reply(message: Buffer, transport: 'udp' | 'tcp'): Buffer {
    const { name, type, end } = readQuestion(message)
    tell({ event: 'question', name, type, transport })
    const answers = zone[name.toLowerCase()]
    const answer = (answers?.length ?? 0) > 1 && TYPES.get(type) === 4 ? answers?.shift() : answers?.[0]
    const records = (answer?.addresses ?? [])
      .filter((text) => (text.includes(':') ? 6 : 4) === TYPES.get(type))
      .map((text) => record(type, answer?.ttlSeconds ?? 0, text))
    const header = Buffer.from(message.subarray(0, HEADER_BYTES))
    header.writeUInt16BE(answer === undefined ? 0x8183 : 0x8180, 2)
    header.writeUInt16BE(records.length, 6)
    header.writeUInt32BE(0, 8)
    return Buffer.concat([header, message.subarray(HEADER_BYTES, end), ...records])
  }

  const datagrams = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  datagrams.on('message', (message, { port, address: from }) => datagrams.send(reply(message, 'udp'), port, from))
  await new Promise<void>((resolve) => datagrams.bind(53, address, resolve))
  const streams = createServer((socket) => {
    let input = Buffer.alloc(0)
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      input = Buffer.concat([input, chunk])
      while (input.length >= 2 && input.length >= 2 + input.readUInt16BE(0)) {
        const end = 2 + input.readUInt16BE(0)
        const message = reply(input.subarray(2, end), 'tcp')
        socket.write(Buffer.concat([Buffer.from([message.length >> 8, message.length & 0xff]), message]))
        input = input.subarray(end)
      }
    })
  })
  await new Promise<void>((resolve, reject) => streams.once('error', reject).listen(53, address, resolve))
  return {
    setZone(next) {
      zone = Object.fromEntries(Object.entries(next).map(([name, answers]) => [name, [...answers]]))
    },
  }
}

function readQuestion(message: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let offset = HEADER_BYTES
  for (let length = message[offset] ?? 0; length > 0; length = message[offset] ?? 0) {
    labels.push(message.toString('latin1', offset + 1, offset + 1 + length))
    offset += 1 + length
  }
  return { name: labels.join('.'), type: message.readUInt16BE(offset + 1), end: offset + 5 }
}

function record(type: number, ttlSeconds: number, address: string): Buffer {
  const data = address.includes(':') ? ipv6Bytes(address) : Buffer.from(address.split('.').map(Number))
  const head = Buffer.from([0xc0, HEADER_BYTES, 0, type, 0, 1, 0, 0, 0, 0, 0, data.length])
  head.writeUInt32BE(ttlSeconds, 6)
  return Buffer.concat([head, data])
}

function ipv6Bytes(address: string): Buffer {
  const [head = [], tail = []] = address.split('::').map((half) => half.split(':').filter((group) => group !== ''))
  const groups = [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => '0'), ...tail]
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex')
}
