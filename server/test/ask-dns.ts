// SPDX-License-Identifier: Apache-2.0
import { addressClass } from '@isola/core'
import type { NetworkVerdict } from '@isola/protocol'
import { type Answer, type DecodedPacket, decode, encode, RECURSION_DESIRED } from 'dns-packet'
import { answerQuestion, type NameLookup, type QuestionDeps, type ToldQuestion } from '../src/egress/dns-question.ts'

export const ALLOWED: NetworkVerdict = { verdict: 'allow', rule: 0, reason: 'rule 0 allows .example.org' }
export const DENIED: NetworkVerdict = { verdict: 'deny', rule: null, reason: 'no rule allows it' }

/** A policy that allows names below example.org, and a lookup that knows what it is given. */
export function dnsWorld(known: Readonly<Record<string, readonly string[] | 'no-such-name' | Error>> = {}) {
  const lookedUp: string[] = []
  const pinned: { name: string; addresses: number; ttlMs: number }[] = []
  const told: ToldQuestion[] = []
  const lookup: NameLookup = {
    lookup: async (name, family) => {
      lookedUp.push(`${name} ${family}`)
      const found = known[name] ?? 'no-such-name'
      if (found instanceof Error) throw found
      return found === 'no-such-name' ? found : { addresses: found, ttlMs: 60_000 }
    },
  }
  const deps: QuestionDeps = {
    lookup,
    decide: (name) => (name === 'example.org' || name.endsWith('.example.org') ? ALLOWED : DENIED),
    mayAnswer: (_name, address) => addressClass(address) === 'public',
    pin: (name, addresses, ttlMs) => void pinned.push({ name, addresses: addresses.length, ttlMs }),
    told: (entry) => void told.push(entry),
  }
  return { deps, lookedUp, pinned, told }
}

interface Asked {
  readonly name: string
  readonly type?: string
  readonly opt?: { readonly payload?: number; readonly version?: number }
  readonly transport?: 'udp' | 'tcp'
}

export function question({ name, type = 'A', opt }: Asked): Buffer {
  const additionals: any[] = [
    { type: 'OPT', name: '.', udpPayloadSize: opt?.payload ?? 1232, ednsVersion: opt?.version ?? 0, flags: 0 },
  ]
  return encode({
    type: 'query',
    id: 4711,
    flags: RECURSION_DESIRED,
    questions: [{ name, type: type as 'A' }],
    ...(opt === undefined ? {} : { additionals }),
  })
}

export interface Heard {
  readonly packet: DecodedPacket
  readonly rcode: string
  readonly addresses: readonly unknown[]
  readonly bytes: number
  readonly extendedError: { code: number; text: string } | undefined
}

export async function ask(deps: QuestionDeps, asked: Asked): Promise<Heard> {
  const answer = await answerQuestion(question(asked), asked.transport ?? 'udp', deps)
  if (answer === undefined) throw new Error(`${asked.name} was not answered`)
  return heard(answer)
}

export function heard(answer: Uint8Array): Heard {
  const packet = decode(Buffer.from(answer)) as DecodedPacket & { rcode: string; answers: Answer[] }
  const opt = packet.additionals?.find((record: Answer) => record.type === 'OPT')
  const options: readonly any[] = opt?.type === 'OPT' ? opt.options : []
  const error = options.find(({ code }) => code === 15)?.data as Buffer | undefined
  return {
    packet,
    rcode: opt?.type === 'OPT' && opt.extendedRcode === 1 ? 'BADVERS' : packet.rcode,
    addresses: packet.answers.map((record: any) => record.data),
    bytes: answer.length,
    extendedError:
      error === undefined ? undefined : { code: error.readUInt16BE(0), text: error.subarray(2).toString() },
  }
}
