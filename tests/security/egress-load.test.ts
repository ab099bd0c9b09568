// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { Attacker } from './attacker.ts'
import { judge } from './outcomes.ts'
import { allowing, begin, program, useWorld } from '../support/network-attack.ts'
import { membersOf } from '../support/inventory/cgroups.ts'
import type { Subject } from '../support/subject.ts'

const HERE = '93.184.215.14'
const MOST = 16
const world = useWorld({ 'allowed.example': [{ addresses: [HERE] }] })
const ALLOWED = allowing({ action: 'allow', domain: 'allowed.example' })
const LIMITED = { ...(ALLOWED as object), maxConnections: MOST }

/** Neither the neighbour nor the server notices. */
async function othersWork(neighbour: Subject): Promise<void> {
  const text = program(
    `report("name", ask("allowed.example")); report("http", fetch("${HERE}", 80, "allowed.example"))`,
  )
  judge(await new Attacker(neighbour, 'root').runs(text), { name: HERE, http: '200', control: 'ok' })
  await using fresh = await world.now.create({ network: ALLOWED })
  judge(await new Attacker(fresh, 'root').runs(text), { name: HERE, http: '200', control: 'ok' })
}

/** Holds what `fill` made; when told, lets it go and says whether it gets on. */
const flood = (fill: string): string => `
held = []
${fill}
print("full", flush=True)
sys.stdin.readline()
for client in held:
    client.close()
deadline = time.monotonic() + PATIENCE
met = reach(*CONTROL)
while met != "ok" and time.monotonic() < deadline:
    time.sleep(0.05)
    met = reach(*CONTROL)
print("after=" + met, flush=True)
`

/** What is still open of connections that were made over the limit. */
const FLOODS: Readonly<Record<string, string>> = {
  'more connections than it may have': `
def one():
    client = dial(*CONTROL)
    client.sendall(b"x\\r\\n")
    if heard(client) == "ok":
        held.append(client)
for _ in range(200):
    tried(one)
print("held=%d" % len(held), flush=True)`,
  'connections that never say what they are': `
ask("allowed.example")
for _ in range(200):
    tried(lambda: held.append(dial("${HERE}", 443)))
print("held=some", flush=True)`,
  'hellos that never end': `
ask("allowed.example")
for _ in range(100):
    tried(lambda: held.append(dial("${HERE}", 443)))
    tried(lambda: held[-1].sendall(hello("allowed.example")[:50]))
print("held=some", flush=True)`,
  'requests that never end': `
ask("allowed.example")
for _ in range(100):
    tried(lambda: held.append(dial("${HERE}", 80)))
    tried(lambda: held[-1].sendall(head("allowed.example")[:-2]))
print("held=some", flush=True)`,
  'questions by streams that never end': `
for _ in range(100):
    tried(lambda: held.append(dial(RESOLVER, 53)))
    tried(lambda: held[-1].sendall(b"\\0\\xff" + b"x" * 100))
print("held=some", flush=True)`,
}

for (const [what, fill] of Object.entries(FLOODS))
  world.test(`${what}: harm nobody else, and are over when they are closed`, async () => {
    await using sandbox = await world.now.create({ network: LIMITED })
    await using neighbour = await world.now.create({ network: ALLOWED })
    await using inside = await begin(sandbox, flood(fill))
    const held = /held=(\w+)/.exec(await inside.until('full\n'))?.[1]
    if (held !== 'some') expect(held).toBe(String(MOST))
    await othersWork(neighbour)
    // The relay waits for the rest of a hello, and looks for the end of it only then.
    if (what.startsWith('hellos')) return
    await inside.goOn()
    expect(await inside.until('\n')).toBe('after=ok\n')
  })

world.test('messages without a question by a stream: hold no connection', async () => {
  await using sandbox = await world.now.create({ network: { ...LIMITED, maxConnections: 8 } })
  await using inside = await begin(
    sandbox,
    flood(`
for _ in range(8):
    client = dial(RESOLVER, 53)
    client.sendall(b"\\0\\0" * 16)
    held.append(client)
print("held=some", flush=True)`),
  )
  await inside.until('full\n')
  await inside.goOn()
  expect(await inside.until('after=ok\n')).toContain('after=ok')
})

world.test('a flood of questions by datagrams: the next question is answered, and so are the neighbours', async () => {
  await using sandbox = await world.now.create({ network: ALLOWED })
  await using neighbour = await world.now.create({ network: ALLOWED })
  await using inside = await begin(
    sandbox,
    `
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); client.connect((RESOLVER, 53)); client.setblocking(False)
for index in range(5000):
    tried(lambda: client.send(question("n%d.forbidden.example" % index)))
print("sent", flush=True); sys.stdin.readline()
print("after=" + ask("allowed.example"), flush=True)`,
  )
  await inside.until('sent\n')
  await othersWork(neighbour)
  await inside.goOn()
  expect(await inside.until('\n')).toBe(`after=${HERE}\n`)
})

const MEBIBYTE_KIB = 1024
/** Everything that a sandbox's connections could fill on the server's side. */
function ownMemoryKib(): number {
  const { cgroups } = world.now.place
  return membersOf({ directory: '', cgroups: cgroups.groups })
    .map((pid) => ({ name: field(pid, 'Name'), kib: Number.parseInt(field(pid, 'RssAnon'), 10) }))
    .filter(({ name }) => /^(node|isola-launcher|isola-relay|MainThread|exe)/.test(name))
    .reduce((sum, { kib }) => sum + (Number.isNaN(kib) ? 0 : kib), 0)
}

function field(pid: number, name: string): string {
  try {
    return new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? ''
  } catch {
    return ''
  }
}

world.test('endless answers that nobody takes in: fill no memory on the way', async () => {
  await using sandbox = await world.now.create({ network: ALLOWED })
  await using neighbour = await world.now.create({ network: ALLOWED })
  await using inside = await begin(
    sandbox,
    `
ask("allowed.example"); held = []
for _ in range(10):
    raw = dial("${HERE}", 19); raw.sendall(b"x\\r\\n"); raw.recv(1); held.append(raw)
    web = dial("${HERE}", 80); web.sendall(head("allowed.example", "/endless")); web.recv(1); held.append(web)
print("open", flush=True); sys.stdin.readline()
print("more=%d" % min(len(client.recv(1 << 20)) for client in held), flush=True)`,
  )
  await inside.until('open\n')
  await othersWork(neighbour)
  const firstKib = ownMemoryKib()
  expect(firstKib).toBeGreaterThan(0)
  // At the speed of a loopback a way that buffers would hold gigabytes by then.
  for (let times = 0; times < 4; times++) await othersWork(neighbour)
  expect((ownMemoryKib() - firstKib) / MEBIBYTE_KIB).toBeLessThan(128)
  await inside.goOn()
  expect(await inside.until('\n')).toMatch(/more=[1-9]/)
})
