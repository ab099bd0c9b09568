// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { Attacker } from './attacker.ts'
import { judge } from './outcomes.ts'
import { eventually } from '../support/eventually.ts'
import { launcherPid } from '../support/launcher.ts'
import { hostPid } from '../support/host-pid.ts'
import {
  allowing,
  BROKEN,
  nothingNew,
  program,
  STOPPED,
  unexpected,
  useWorld,
  wholeProgram,
} from '../support/network-attack.ts'
import type { Subject } from '../support/subject.ts'

const HERE = '93.184.215.14'
const ELSEWHERE = '93.184.215.15'
const world = useWorld({ 'allowed.example': [{ addresses: [HERE] }] })
const ALLOWED = allowing({ action: 'allow', domain: 'allowed.example' })

const each = (labels: readonly string[], outcome: readonly string[]) =>
  Object.fromEntries(labels.map((label) => [label, outcome]))

/**
 * Opens connections of every kind and leaves a process behind that outlives whoever started it: it waits until all
 * have ended, tries at once what it could do now, and writes down what it met.
 */
const HOLD = `
ask("allowed.example")
kinds = {
    "raw": (dial("${HERE}", 7777), b"one\\r\\n"), "tls": (dial("${HERE}", 443), hello("allowed.example")),
    "http": (dial("${HERE}", 80), head("allowed.example", "/hold")),
    "websocket": (dial("${HERE}", 80), head("allowed.example", more=["Connection: Upgrade", "Upgrade: websocket"])),
    "undecided": (dial("${HERE}", 443), hello("allowed.example")[:20]),
}
for kind, (client, payload) in kinds.items():
    client.sendall(payload)
    if kind != "undecided":
        client.recv(65536)
    client.settimeout(None)
def rest(client):
    while client.recv(65536):
        pass
    client.sendall(b"are you still there?\\r\\n")
    return "closed"
def by_name():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(1)
        client.connect((RESOLVER, 53)); asked = question("allowed.example"); client.send(asked)
        return answer_of(asked, client.recv(4096))
if os.fork():
    os._exit(0)
os.setsid()
written = os.open("/tmp/written", os.O_WRONLY | os.O_CREAT, 0o600)
for descriptor in (1, 2):
    os.dup2(written, descriptor)
for kind, (client, _) in kinds.items():
    report("end of " + kind, tried(lambda: rest(client)))
report("number", reach("${HERE}", 7777)); report("tls", greet("${HERE}", 443, hello("allowed.example"))); report("http", fetch("${HERE}", 80, "allowed.example"))
report("host", reach("10.99.0.1", 7777)); report("forbidden", reach("${ELSEWHERE}", 7777)); report("fronted", greet("${HERE}", 443, hello("forbidden.example")))
report("name", tried(by_name)); control()
os.rename("/tmp/written", "/tmp/met")
`
const ENDS = Object.fromEntries(
  ['raw', 'tls', 'http', 'websocket', 'undecided'].map((kind) => [`end of ${kind}`, BROKEN]),
)
const NOTHING = {
  ...each(['number', 'tls', 'http', 'host', 'forbidden', 'fronted', 'control'], STOPPED),
  name: ['SERVFAIL', 'timeout', 'REFUSED', ...STOPPED],
}

async function holding(sandbox: Subject): Promise<void> {
  await sandbox.read(wholeProgram(HOLD), { user: 'root' })
  await world.now.take()
}

/** Read from outside, because nobody may be there to ask. */
async function metInside(sandbox: Subject) {
  const file = `/proc/${hostPid(world.now.place, sandbox.id)}/root/tmp/met`
  const stdout = await eventually(
    () => textOf(file),
    (text) => text !== '',
    50_000,
  )
  return { exitCode: 0, signal: null, stdout, stderr: '' }
}

const POLICY = program(
  `report("name", ask("allowed.example")); report("raw", reach("${HERE}", 7777)); report("forbidden", reach("${ELSEWHERE}", 7777)); report("metadata", reach("169.254.169.254", 7777)); report("fronted", greet("${HERE}", 443, hello("forbidden.example"))); report("other name", ask("forbidden.example"))`,
)

/** The policy that was set holds, whole. */
async function policyHolds(sandbox: Subject): Promise<void> {
  await world.now.take()
  judge(await new Attacker(sandbox, 'root').runs(POLICY), {
    name: HERE,
    raw: 'ok',
    forbidden: BROKEN,
    metadata: BROKEN,
    fronted: BROKEN,
    'other name': 'REFUSED',
    control: 'ok',
  })
  const arrivals = await world.now.take()
  expect(unexpected(arrivals, { arrives: [`tcp ${HERE} 7777`], asks: ['allowed.example'] })).toEqual([])
}

/** Something is let through again. */
async function recovers(sandbox: Subject): Promise<void> {
  const isReached = async () =>
    (await new Attacker(sandbox, 'root').runs(program(''))).stdout.includes('"control", "ok"')
  expect(await eventually(isReached, Boolean)).toBe(true)
}

function children(of: number): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => textOf(`/proc/${pid}/stat`).split(') ')[1]?.split(' ')[1] === String(of))
    .map((pid) => ({ pid, command: textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' ') }))
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}

function launcher(): number {
  const pid = launcherPid(world.now.place.stateDirectory)
  if (pid === undefined) throw new Error('there is no launcher')
  return pid
}

function relay(): number {
  const found = children(launcher()).find(({ command }) => command.includes('relay --listener-fd'))
  if (found === undefined) throw new Error('there is no relay')
  return found.pid
}

world.test(
  'kill -9 of the server: every connection breaks off, nothing passes without it, and after a restart the same policy holds',
  async () => {
    await using sandbox = await world.now.create({ network: ALLOWED })
    await using closed = await world.now.create({ network: 'none' })
    await holding(sandbox)
    await world.now.server.signal('SIGKILL')
    judge(await metInside(sandbox), { ...ENDS, ...NOTHING })
    expect(nothingNew(await world.now.take())).toEqual([])
    await world.now.startServer()
    await policyHolds(sandbox)
    judge(await new Attacker(closed, 'root').runs(program(`report("raw", reach("${HERE}", 7777))`)), {
      raw: STOPPED,
      control: STOPPED,
    })
  },
)

const EITHER = {
  ...each(['number', 'tls'], ['ok', ...STOPPED]),
  http: ['200', '403', ...STOPPED],
  ...each(['host', 'forbidden', 'fronted'], STOPPED),
  control: ['ok', ...STOPPED],
  name: [HERE, 'SERVFAIL', 'timeout', 'REFUSED', ...STOPPED],
}

for (const [what, pidOf] of Object.entries({ relay, launcher }))
  world.test(
    `kill -9 of the ${what}: every connection breaks off, only what is allowed passes ever, and does so again`,
    async () => {
      await using sandbox = await world.now.create({ network: ALLOWED })
      await holding(sandbox)
      process.kill(pidOf(), 'SIGKILL')
      judge(await metInside(sandbox), { ...ENDS, ...EITHER })
      const arrivals = await world.now.take()
      expect(
        unexpected(arrivals, {
          arrives: [80, 443, 7777].map((port) => `tcp ${HERE} ${port}`),
          asks: ['allowed.example'],
        }),
      ).toEqual([])
      expect(Object.values(arrivals.bytes).join()).not.toMatch(/still there|forbidden/)
      await recovers(sandbox)
      await policyHolds(sandbox)
      await using fresh = await world.now.create({ network: ALLOWED })
      await policyHolds(fresh)
    },
  )

world.test(
  'kill -9 of the server, then of the launcher: nothing passes until both are back, then the same policy holds',
  async () => {
    await using sandbox = await world.now.create({ network: ALLOWED })
    await holding(sandbox)
    const pid = launcher()
    await world.now.server.signal('SIGKILL')
    process.kill(pid, 'SIGKILL')
    judge(await metInside(sandbox), { ...ENDS, ...NOTHING })
    expect(nothingNew(await world.now.take())).toEqual([])
    await world.now.startServer()
    await recovers(sandbox)
    await policyHolds(sandbox)
  },
)
