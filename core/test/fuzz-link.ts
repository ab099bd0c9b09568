// SPDX-License-Identifier: Apache-2.0
import { encodeFrame, FrameType, IsolaError } from '@isola/protocol'
import { listAgentFiles } from '../src/agent-link/agent-files.ts'
import { startAgentProcess } from '../src/agent-link/agent-process.ts'
import { linkedAgent } from './linked-agent.ts'
import { settle } from './manual-clock.ts'
import { processSpec } from './process-spec.ts'
import { operation } from './test-domain.ts'

const FRAMES_PER_LINK = 40

/**
 * An authenticated agent gone mad: frames of every type on open, closed and unknown ids, with
 * damaged or plausible payloads. Everything that waits must end in a result or a typed error,
 * and nothing may stay open on a link that is closed.
 */
export async function fuzzLink(
  frames: number,
  random: (below: number) => number,
): Promise<{ breaches: number; links: number }> {
  const tally = { breaches: 0, links: 0 }
  for (let sent = 0; sent < frames; sent += FRAMES_PER_LINK) {
    tally.links += 1
    if (await fuzzOne(random)) tally.breaches += 1
  }
  return tally
}

async function fuzzOne(random: (below: number) => number): Promise<boolean> {
  const { agent, link } = await linkedAgent()
  for (const op of ['process.start', 'process.list', 'file.list']) agent.operations.set(op, () => {})
  const waiting = [
    link.call('process.list', {}, operation({ timeoutMs: 2000 })),
    startAgentProcess(link, processSpec(), operation({ timeoutMs: 2000 })).then(({ exit }) => exit),
    listAgentFiles(link, { path: '/', depth: 1, limit: 1 }, operation({ timeoutMs: 2000 })).then(async (lines) => {
      for await (const line of lines) if (line.length === 0) throw new Error('an empty line')
    }),
  ].map((work) => work.then(() => {}, requireTyped))
  await settle()
  for (let count = 0; count < FRAMES_PER_LINK; count++) agent.sendRaw(madFrame(agent.epoch, random))
  await settle()
  const breached = link.frames.closedWith?.code === 'agent.protocol'
  agent.close()
  await Promise.all(waiting)
  if (link.frames.openExchanges !== 0) throw new Error('exchanges stayed open on a closed link')
  return breached
}

function requireTyped(error: unknown): void {
  if (!IsolaError.is(error)) throw new Error('an untyped error', { cause: error })
}

function madFrame(epoch: number, random: (below: number) => number): Uint8Array {
  const bytes = encodeFrame({
    epoch: random(400) === 0 ? epoch ^ 1 : epoch,
    type: (1 + random(FrameType.pong)) as FrameType,
    channel: random(30) === 0 ? random(256) : random(3),
    flags: random(3),
    id: random(60) === 0 ? random(2 ** 32) : random(4),
    payload: madPayload(random),
  })
  if (random(200) === 0) bytes[random(bytes.length)] = random(256)
  return bytes
}

const PLAUSIBLE = [
  '{"ok":true,"pid":3,"processes":[]}',
  '{"ok":true}',
  '{"ok":false,"error":{"code":"file.io","message":"x"}}',
  '{"ok":false,"error":{}}',
  '{"ok":1}',
  '{}',
  '[]',
  'null',
  '"',
  '{"__proto__":{"ok":true}}',
  '{"event":"exited"}',
  '{"event":"exited","exitCode":0,"signal":null,"timedOut":false,"oomKilled":false,"outputCapped":false,"durationMs":1,"stdoutBytes":0,"stderrBytes":0,"droppedBytes":0}',
  '{"truncated":true}\n',
  '{"code":"file.io","message":"gone"}',
  '\0\0\0\x01',
  '\xff\xff\xff\xff',
]

function madPayload(random: (below: number) => number): Uint8Array {
  if (random(3) > 0) return new Uint8Array(Buffer.from(PLAUSIBLE[random(PLAUSIBLE.length)] as string, 'latin1'))
  return Uint8Array.from({ length: random(64) }, () => random(256))
}
