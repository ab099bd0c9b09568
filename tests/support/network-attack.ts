// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import type { NetworkLogEntry, NetworkOption } from '@isola/sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Attacker, PRELUDE } from '../security/attacker.ts'
import { judge, type Outcomes } from '../security/outcomes.ts'
import { accountOf, type DriverName, obstacleOf } from './driver-cells.ts'
import { type Arrivals, NetworkWorld, worldObstacle } from './network-world.ts'
import type { Zone } from './network-wording.ts'
import type { Subject } from './subject.ts'
import { Transcript } from './until-output.ts'

const NET = readFileSync(new URL('../security/programs/egress_net.py', import.meta.url), 'utf8')
const CONTROL = '93.184.215.99'

/** How a connection that nobody lets through ends inside. */
export const BROKEN = ['ECONNRESET', 'EPIPE', 'closed'] as const
/** Nothing is there at all. */
export const NOBODY = [
  'ECONNREFUSED',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'EADDRNOTAVAIL',
  'EINVAL',
  'EACCES',
  'EPERM',
] as const
/** Plain HTTP that is not let through is told so, or not even looked at where its address decides. */
export const REFUSED = ['403', ...BROKEN] as const
export const STOPPED = [...BROKEN, ...NOBODY] as const

/** What may leave a sandbox whose way out is attacked: what the test names, and the control. */
export function allowing(
  ...rules: readonly NonNullable<Exclude<NetworkOption, string>['rules']>[number][]
): NetworkOption {
  return { rules: [{ action: 'allow', cidr: CONTROL, ports: ['7777'] }, ...rules] }
}

export interface EgressAttack {
  /** What the attacker wants, as the test is called. */
  readonly name: string
  /** Not an attack: proves that it would be noticed if one succeeded. */
  readonly isControl?: true
  /** Python behind egress_net.py; each step ends in `report(label, outcome)`. */
  readonly program: string
  readonly expect: Outcomes
  readonly as?: readonly ('user' | 'root')[]
  /** New connections and datagrams that may arrive, besides the control: `tcp 93.184.215.14 443`. */
  readonly arrives?: readonly string[]
  /** Names that the DNS server may be asked for. */
  readonly asks?: readonly string[]
  /** Whatever else has to hold of what arrived. */
  readonly check?: (arrivals: Arrivals, sandbox: Subject) => void | Promise<void>
}

export interface Scene {
  readonly network: NetworkOption
  readonly zone?: Zone
  /** A sandbox for each attack, because they harm it. */
  readonly isDestructive?: boolean
}

/** A world as tests see it. */
export interface UsedWorld {
  readonly driver: DriverName
  readonly now: NetworkWorld
  /** Like vitest's, but skipped with the reason where no such world can be made. */
  test(name: string, body: () => Promise<void>, timeoutMs?: number): void
}

/** The world of one file, made before its first test; at the end nothing of it may be left. */
export function useWorld(zone: Zone, driver: DriverName = 'namespace-root'): UsedWorld {
  const obstacle = worldObstacle() ?? obstacleOf(driver)
  let world: NetworkWorld | undefined
  beforeAll(async () => {
    if (obstacle === undefined) world = await NetworkWorld.open(zone, accountOf(driver))
  }, 60_000)
  afterAll(async () => {
    expect((await world?.end()) ?? []).toEqual([])
  }, 60_000)
  return {
    driver,
    get now() {
      if (world === undefined) throw new Error('the world of this file was not made')
      return world
    },
    test(name, body, timeoutMs = 60_000) {
      test(name, { timeout: timeoutMs }, async ({ skip }) => {
        if (obstacle !== undefined) skip(`${driver}: ${obstacle}`)
        await body()
      })
    },
  }
}

/** Runs attacks on one policy, each followed by its control. What arrives outside is what counts. */
export function egressAttacks(title: string, world: UsedWorld, scene: Scene, list: readonly EgressAttack[]): void {
  describe(title, () => {
    let shared: Subject | undefined
    afterAll(() => shared?.[Symbol.asyncDispose]())
    const sandboxOf = async (): Promise<Subject> => {
      if (scene.isDestructive === true) return world.now.create({ network: scene.network })
      return (shared ??= await world.now.create({ network: scene.network }))
    }
    for (const each of list)
      for (const user of usersOf(each, world.driver))
        world.test(titleOf(each, user), async () => {
          await world.now.setZone(scene.zone ?? {})
          const sandbox = await sandboxOf()
          try {
            await carryOut(world.now, sandbox, user, each)
          } finally {
            if (scene.isDestructive === true) await sandbox[Symbol.asyncDispose]()
          }
        })
  })
}

/** An ordinary account without a range of ids has no root inside; with one, root can do more than anybody. */
function usersOf({ as = ['root'] }: EgressAttack, driver: DriverName): readonly ('user' | 'root')[] {
  if (driver === 'namespace-root') return as
  return driver === 'namespace-rootless' ? ['user'] : ['root']
}

function titleOf({ name, isControl }: EgressAttack, user: string): string {
  return `${name}: ${isControl === true ? 'works' : 'fails closed'} as ${user}`
}

async function carryOut(
  world: NetworkWorld,
  sandbox: Subject,
  user: 'user' | 'root',
  each: EgressAttack,
): Promise<void> {
  await world.take()
  const ending = await new Attacker(sandbox, user).runs(program(each.program))
  const arrivals = await world.take()
  expect(unexpected(arrivals, each), `met inside: ${ending.stdout}${ending.stderr}`).toEqual([])
  judge(ending, { ...each.expect, control: 'ok' })
  for (const packet of each.arrives ?? []) expect(arrivals.wire).toContain(packet)
  await each.check?.(arrivals, sandbox)
}

/** For `python3 -c`, behind the prelude; the control stands at its end. */
export function program(text: string): string {
  return `${NET}\n${text}\ncontrol()\n`
}

/** All of it, for a sandbox that is run without an attacker. */
export function wholeProgram(text: string): string[] {
  return ['python3', '-c', `${PRELUDE}\n${NET}\n${text}`]
}

/** A program inside that a test talks with: it says where it is, and goes on when it is told. */
export async function begin(sandbox: Subject, text: string, user: 'user' | 'root' = 'root') {
  const running = await sandbox.start(wholeProgram(text), { user, stdin: true })
  const transcript = new Transcript(running)
  return {
    until: (word: string) => transcript.until(word),
    goOn: () => running.stdin.write('\n'),
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]()
    },
  }
}

/** What arrived although nothing allows it. */
export function unexpected(
  arrivals: Arrivals,
  { arrives = [], asks = [] }: Pick<EgressAttack, 'arrives' | 'asks'>,
): string[] {
  const known = new Set([...arrives, `tcp ${CONTROL} 7777`])
  const names = new Set(asks)
  return [
    ...arrivals.wire.filter((packet) => !known.has(packet)),
    ...arrivals.host.map((place) => `the server's machine: ${place}`),
    ...arrivals.names.filter((name) => !names.has(name)).map((name) => `question for ${name}`),
  ]
}

/** Everything that arrived since the last time, where nothing may. */
export function nothingNew({ wire, host, names, bytes }: Arrivals): string[] {
  return [...wire, ...host, ...names, ...Object.values(bytes)]
}

/** The log of a sandbox so far. */
export async function logOf(sandbox: Subject): Promise<NetworkLogEntry[]> {
  const entries: NetworkLogEntry[] = []
  for await (const entry of sandbox.sandbox.network.log()) entries.push(entry)
  return entries
}
