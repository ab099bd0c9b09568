// SPDX-License-Identifier: Apache-2.0
import type { NetworkLogEntry } from '@isola/sdk'
import { describe, expect } from 'vitest'
import { Attacker } from './attacker.ts'
import { judge } from './outcomes.ts'
import {
  allowing,
  begin,
  BROKEN,
  program,
  REFUSED,
  STOPPED,
  logOf,
  nothingNew,
  unexpected,
  useWorld,
} from '../support/network-attack.ts'
import type { NetworkWorld } from '../support/network-world.ts'
import type { Subject } from '../support/subject.ts'

const HERE = '93.184.215.14'
const ELSEWHERE = '93.184.215.15'
const ZONE = {
  'second.example': [{ addresses: [HERE] }],
  'allowed.example': [{ addresses: [HERE] }],
  'later.example': [{ addresses: [ELSEWHERE] }],
}
const world = useWorld(ZONE)
const ALLOWED = allowing({ action: 'allow', domain: 'allowed.example' })

/** Opens a connection inside, says `open` when something has come through it, and waits for how it ends. */
const HOLDING: Readonly<Record<string, string>> = {
  'a raw tunnel': `client = dial("${HERE}", 7777); client.sendall(b"one\\r\\n")`,
  'a TLS tunnel': `client = dial("${HERE}", 443); client.sendall(hello("allowed.example"))`,
  'an answer by HTTP': `client = dial("${HERE}", 80); client.sendall(head("allowed.example", "/hold"))`,
  'a WebSocket': `client = dial("${HERE}", 80); client.sendall(head("allowed.example", more=["Connection: Upgrade", "Upgrade: websocket"]))`,
}
const hold = (how: string): string => `
ask("allowed.example")
${how}
client.recv(65536)
client.settimeout(3)
print("open", flush=True)
def rest():
    while client.recv(65536):
        pass
    return "closed"
print("end=" + tried(rest), flush=True)
`

async function afterwards(now: NetworkWorld, sandbox: Subject): Promise<void> {
  await now.take()
  const ending = await new Attacker(sandbox, 'root').runs(
    program(
      `report("raw", reach("${HERE}", 7777)); report("tls", greet("${HERE}", 443, hello("allowed.example"))); report("http", fetch("${HERE}", 80, "allowed.example")); report("name", ask("allowed.example"))`,
    ),
  )
  judge(ending, { raw: STOPPED, tls: STOPPED, http: [...REFUSED, ...STOPPED], name: 'REFUSED', control: STOPPED })
  expect(unexpected(await now.take(), {})).toEqual([])
}

describe('a policy that changes', () => {
  for (const [what, how] of Object.entries(HOLDING))
    world.test(
      `tightening it to nothing: ends ${what} at once, and nothing passes any more`,
      async () => {
        await using sandbox = await world.now.create({ network: ALLOWED })
        await using inside = await begin(sandbox, hold(how))
        await inside.until('open')
        await sandbox.sandbox.network.set('none')
        expect(await inside.until('\n').then(() => inside.until('\n'))).toMatch(/end=(ECONNRESET|EPIPE|closed)/)
        await afterwards(world.now, sandbox)
      },
      30_000,
    )

  world.test('tightening it: ends what is denied now, and leaves the rest', async () => {
    await using sandbox = await world.now.create({ network: ALLOWED })
    await using denied = await begin(sandbox, hold(HOLDING['a TLS tunnel'] as string))
    await denied.until('open\n')
    await using kept = await begin(
      sandbox,
      `client = dial(*CONTROL); client.sendall(b"x\\r\\n"); client.recv(9)
print("open", flush=True); sys.stdin.readline(); client.sendall(b"again\\r\\n"); print("end=" + heard(client), flush=True)`,
    )
    await kept.until('open\n')
    await sandbox.sandbox.network.set(allowing({ action: 'allow', domain: 'later.example' }))
    expect(await denied.until('\n')).toMatch(/end=(ECONNRESET|EPIPE|closed)/)
    await kept.goOn()
    expect(await kept.until('\n')).toBe('end=ok\n')
  })

  world.test(
    'tightening it while a connection has not said what it is: what it says then is judged by the new one',
    async () => {
      await using sandbox = await world.now.create({ network: ALLOWED })
      await using inside = await begin(
        sandbox,
        `ask("allowed.example")
whole = hello("allowed.example"); client = dial("${HERE}", 443); client.sendall(whole[:30])
print("open", flush=True); sys.stdin.readline()
def rest():
    client.sendall(whole[30:])
    return heard(client)
print("end=" + tried(rest), flush=True)`,
      )
      await inside.until('open\n')
      await world.now.take()
      await sandbox.sandbox.network.set('none')
      await inside.goOn()
      expect(await inside.until('\n')).toMatch(/end=(ECONNRESET|EPIPE|closed)/)
      expect(unexpected(await world.now.take(), {})).toEqual([])
    },
  )

  world.test('tightening it between two requests on one connection: the second is refused', async () => {
    await using sandbox = await world.now.create({ network: ALLOWED })
    await using inside = await begin(
      sandbox,
      `ask("allowed.example")
client = dial("${HERE}", 80); client.sendall(head("allowed.example")); status_of(client)
print("open", flush=True); sys.stdin.readline()
def second():
    client.sendall(head("allowed.example", "/second"))
    return status_of(client)
print("end=" + tried(second), flush=True)`,
    )
    await inside.until('open\n')
    await world.now.take()
    await sandbox.sandbox.network.set('none')
    await inside.goOn()
    expect(await inside.until('\n')).toMatch(/end=(403|ECONNRESET|EPIPE|closed)/)
    expect(nothingNew(await world.now.take())).toEqual([])
  })

  world.test('tightening it ends what gave no name, when a name of its address is not allowed any more', async () => {
    const both = {
      network: allowing({ action: 'allow', domain: 'allowed.example' }, { action: 'allow', domain: 'second.example' }),
    }
    await using sandbox = await world.now.create(both)
    await using inside = await begin(
      sandbox,
      hold(`ask("second.example"); client = dial("${HERE}", 443); client.sendall(hello(None))`),
    )
    await inside.until('open\n')
    await sandbox.sandbox.network.set(ALLOWED)
    judge(await new Attacker(sandbox, 'root').runs(program(`report("anew", greet("${HERE}", 443, hello(None)))`)), {
      anew: BROKEN,
      control: 'ok',
    })
    expect(await inside.until('\n')).toMatch(/end=(ECONNRESET|EPIPE|closed)/)
  })

  world.test('loosening it: lets through what it names, from nothing and back', async () => {
    await using sandbox = await world.now.create({ network: 'none' })
    const attacker = new Attacker(sandbox, 'root')
    const text = program(`report("name", ask("later.example")); report("raw", reach("${ELSEWHERE}", 7777))`)
    await world.now.take()
    const before = await attacker.runs(text)
    judge(before, { name: [...STOPPED, 'REFUSED', 'SERVFAIL', 'timeout'], raw: STOPPED, control: STOPPED })
    expect(unexpected(await world.now.take(), {})).toEqual([])
    await sandbox.sandbox.network.set(allowing({ action: 'allow', domain: 'later.example' }))
    judge(await attacker.runs(text), { name: ELSEWHERE, raw: 'ok', control: 'ok' })
    await sandbox.sandbox.network.set('none')
    await afterwards(world.now, sandbox)
  })

  world.test('destroying a sandbox: ends its connections, and what is behind them sees it', async () => {
    const sandbox = await world.now.create({ network: ALLOWED })
    await using inside = await begin(sandbox, hold(HOLDING['a raw tunnel'] as string))
    await inside.until('open\n')
    await sandbox[Symbol.asyncDispose]()
    await world.now.internet.until(({ event }) => event === 'closed')
  })
})

describe('evidence', () => {
  world.test('what was denied: stands in the log with its host and the reason', async () => {
    await using sandbox = await world.now.create({
      network: allowing({ action: 'deny', domain: 'evil.example' }, { action: 'allow', domain: 'allowed.example' }),
    })
    await new Attacker(sandbox, 'root').runs(
      program(`ask("allowed.example"); ask("evil.example"); ask("forbidden.example")
greet("${HERE}", 443, hello("evil.example")); greet("${HERE}", 443, hello("other.example")); fetch("${HERE}", 80, "third.example", method="DELETE"); reach("10.20.0.5", 5432); fetch("169.254.169.254", 80, "metadata.google.internal")`),
    )
    const entries = await logOf(sandbox)
    const denied = entries.filter(({ verdict }) => verdict === 'deny')
    const has = (part: Partial<NetworkLogEntry>) => expect(denied).toContainEqual(expect.objectContaining(part))
    has({ kind: 'name', host: 'evil.example', rule: 1, reason: expect.stringContaining('evil.example') })
    has({ kind: 'name', host: 'forbidden.example', rule: null, reason: 'no rule allows it' })
    has({ kind: 'connection', host: 'evil.example', protocol: 'tls', rule: 1, address: HERE, port: 443 })
    has({ kind: 'connection', host: 'other.example', protocol: 'tls', rule: null, address: HERE, port: 443 })
    has({ kind: 'request', host: 'third.example', protocol: 'http', method: 'DELETE', address: HERE, port: 80 })
    has({ kind: 'connection', address: '10.20.0.5', port: 5432, rule: null })
    has({ address: '169.254.169.254', port: 80, rule: null })
    expect(
      entries.some(
        ({ verdict, kind, address }) => verdict === 'allow' && kind === 'connection' && address === '93.184.215.99',
      ),
    ).toBe(true)
  })

  world.test('names with control characters: reach the log without them', async () => {
    await using sandbox = await world.now.create({ network: ALLOWED })
    await new Attacker(sandbox, 'root').runs(
      program(`ask("allowed.example")
for text in ("\\x1b]0;title\\x07", "\\r\\n2026-01-01 allow", "\\x9b31m", "\\u202e".encode().decode("latin1"), "a\\0b", "\\x7f"):
    ask_raw(question("", labels=[text.encode("latin1"), b"evil", b"example"])); greet("${HERE}", 443, hello(text + ".example")); fetch("${HERE}", 80, text + ".example"); fetch("${HERE}", 80, "x.example", method="GET", more=["X: " + text])`),
    )
    const entries = await logOf(sandbox)
    expect(entries.filter(({ verdict }) => verdict === 'deny').length).toBeGreaterThan(5)
    for (const entry of entries)
      for (const text of [entry.host, entry.reason, entry.method])
        expect(text ?? '').not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
  })

  world.test('many denied attempts: push the oldest out of the log and nobody else aside', async () => {
    await using sandbox = await world.now.create({ network: ALLOWED })
    await using other = await world.now.create({ network: ALLOWED })
    await new Attacker(other, 'root').runs(program('ask("seldom.example")'))
    await new Attacker(sandbox, 'root').runs(program(`for index in range(1500):\n    ask("n%d.example" % index)`))
    const entries = await logOf(sandbox)
    expect(entries.length).toBeLessThanOrEqual(1000)
    expect(entries.some(({ host }) => host === 'n1499.example')).toBe(true)
    expect((await logOf(other)).some(({ host }) => host === 'seldom.example')).toBe(true)
  })

  world.test('an explanation: says what the attempt met', async () => {
    await using sandbox = await world.now.create({ network: ALLOWED })
    const { network } = sandbox.sandbox
    for (const url of [
      'http://169.254.169.254/',
      'https://forbidden.example/',
      'tcp://10.20.0.5:22',
      'http://127.0.0.1/',
    ])
      expect(await network.explain(url), url).toMatchObject({ verdict: 'deny' })
    expect(await network.explain('https://allowed.example/')).toMatchObject({ verdict: 'allow', rule: 1 })
    void BROKEN
  })
})
