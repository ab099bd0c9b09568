// SPDX-License-Identifier: Apache-2.0
import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { fromHex, type GoldenFrame, goldenFrames, malformedFrames } from '../../test/golden-frames.ts'
import { launcherOperations, SandboxExitedEvent } from '../launcher/operations.ts'
import { RelayEvent, type RelayOperation, relayOperations } from '../relay/operations.ts'
import { encodeFrame, type FrameType } from './frame.ts'
import { FrameReader } from './frame-reader.ts'
import { AgentHello, HostAuth, HostHello, LauncherHello, proofMessage, RelayHello } from './handshake.ts'
import { type AgentOperation, agentOperations, ProcessExit, WireFailure } from './operations.ts'

const byName = (name: string): GoldenFrame => {
  const found = goldenFrames.find((golden) => golden.name === name)
  if (found === undefined) throw new Error(`no golden frame ${name}`)
  return found
}
const json = (name: string): Record<string, unknown> => byName(name).frame.json ?? {}

describe('frames that the other language wrote', () => {
  test('there are some', () => {
    expect(goldenFrames.length).toBeGreaterThan(40)
    expect(malformedFrames.length).toBeGreaterThan(5)
  })

  test.each(goldenFrames)('$name reads as what it says', ({ hex, frame }) => {
    const [read, ...more] = [...new FrameReader('strict', frame.epoch).push(fromHex(hex))]
    const { json: expected, payloadHex, ...header } = frame
    expect(more).toEqual([])
    expect(read).toMatchObject(header)
    const payload = Buffer.from(read?.payload ?? [])
    if (expected === undefined) expect(payload.toString('hex')).toBe(payloadHex ?? '')
    else expect(JSON.parse(payload.toString())).toEqual(expected)
  })

  test.each(goldenFrames)('$name is written with the same bytes', ({ hex, frame }) => {
    const payload = payloadOf(hex)
    expect(Buffer.from(encodeFrame({ ...frame, type: frame.type as FrameType, payload })).toString('hex')).toBe(hex)
  })

  test.each(malformedFrames)('$name is refused as $error', ({ hex, epoch, error }) => {
    const reader = new FrameReader('strict', epoch)
    expect(() => [...reader.push(fromHex(hex))]).toThrow(expect.objectContaining({ kind: error }) as Error)
  })
})

describe('what is in them fits the schemas', () => {
  const agentRequests = goldenFrames.filter(
    ({ frame }) => typeof frame.json?.['op'] === 'string' && String(frame.json['op']) in agentOperations,
  )
  const launcherRequests = goldenFrames.filter(({ name }) => name.startsWith('request-launcher-'))

  test.each(agentRequests)('$name', ({ frame }) => {
    const { op, ...request } = frame.json as { op: AgentOperation }
    expect(agentOperations[op].request.parse(request)).toMatchObject(request)
  })

  test.each(launcherRequests)('$name', ({ frame }) => {
    const { op, ...request } = frame.json as { op: keyof typeof launcherOperations }
    expect(launcherOperations[op].request.parse(request)).toEqual(request)
  })

  test.each(goldenFrames.filter(({ name }) => name.startsWith('request-relay-')))('$name', ({ frame }) => {
    const { op, ...request } = frame.json as { op: RelayOperation }
    expect(relayOperations[op].request.parse(request)).toEqual(request)
  })

  test.each(goldenFrames.filter(({ name }) => name.startsWith('event-relay-')))('$name', ({ frame }) => {
    expect(RelayEvent.parse(frame.json)).toEqual(frame.json)
  })

  test.each(['agent.info', 'process.start', 'process.list', 'file.read', 'file.write', 'file.stat'] as const)(
    'the response to %s',
    (op) => {
      const { ok, ...result } = json(`response-${op.replace('.', '-')}`)
      expect(ok).toBe(true)
      expect(agentOperations[op].result.parse(result)).toEqual(result)
    },
  )

  test.each(['list', 'maskscan', 'network', 'prepare', 'probe', 'stats', 'sweep'] as const)(
    'the launcher`s response to %s',
    (op) => {
      const { ok, ...result } = json(`response-launcher-${op}`)
      expect(ok).toBe(true)
      expect(launcherOperations[op].result.parse(result)).toEqual(result)
    },
  )

  test('the handshakes', () => {
    expect(HostHello.parse(json('hello-host'))).toEqual(json('hello-host'))
    expect(AgentHello.parse(json('hello-agent'))).toEqual(json('hello-agent'))
    expect(HostAuth.parse(json('auth-host'))).toEqual(json('auth-host'))
    expect(LauncherHello.parse(json('hello-launcher'))).toEqual(json('hello-launcher'))
    expect(RelayHello.parse(json('hello-relay'))).toEqual(json('hello-relay'))
    expect(relayOperations.list.result.parse(json('response-relay-list'))).toBeDefined()
  })

  test('the ends of processes and sandboxes, and failures', () => {
    expect(ProcessExit.parse(json('event-exited'))).toEqual(json('event-exited'))
    expect(ProcessExit.parse(json('event-exited-killed'))).toEqual(json('event-exited-killed'))
    expect(SandboxExitedEvent.parse(json('event-sandbox-exited'))).toEqual(json('event-sandbox-exited'))
    expect(WireFailure.parse(json('response-failure')['error'])).toEqual(json('response-failure')['error'])
  })
})

test('both languages compute the same proofs', () => {
  const key = new Uint8Array(32).fill(0x11)
  const { epoch } = byName('hello-host').frame
  const hostNonce = fromHex(String(json('hello-host')['nonce']))
  const agentNonce = fromHex(String(json('hello-agent')['nonce']))
  const proof = (role: 'host' | 'agent'): string =>
    createHmac('sha256', key)
      .update(proofMessage(role, epoch, hostNonce, agentNonce))
      .digest('hex')
  expect(proof('agent')).toBe(json('hello-agent')['proof'])
  expect(proof('host')).toBe(json('auth-host')['proof'])
})

function payloadOf(hex: string): Uint8Array {
  return fromHex(hex).subarray(24)
}
