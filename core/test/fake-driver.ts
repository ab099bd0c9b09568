// SPDX-License-Identifier: Apache-2.0
import { IsolaError, type Resources } from '@isola/protocol'
import type { BlankSpec, ByteChannel, Driver, DriverReport, SandboxRef, TemplateDefaults } from '../src/index.ts'
import { FakeAgent } from './fake-agent.ts'
import { type MemoryEnd, memoryChannels } from './memory-channel.ts'

interface FakeSandbox {
  readonly spec: BlankSpec
  alive: boolean
  agents: FakeAgent[]
}

/** A fake driver: sandboxes are entries in a map, agents are fake ones. Steps can be made to fail or to hang. */
export class FakeDriver implements Driver {
  readonly name: string
  readonly sandboxes = new Map<string, FakeSandbox>()
  readonly calls: string[] = []
  readonly personalised: { id: string; resources: Resources }[] = []
  isAvailable = true
  /** Of the template; another one is another template. */
  fingerprint = 'first'
  /** Runs before the step of this name; may throw or wait. */
  readonly before = new Map<string, (id: string) => Promise<void> | void>()
  onAgent: (agent: FakeAgent) => void = () => {}
  exit: (sandboxId: string, reason: string) => void = () => {}

  constructor(name = 'fake') {
    this.name = name
  }

  async probe(): Promise<DriverReport> {
    const checks = [{ id: 'fake-kernel', ok: this.isAvailable, detail: 'switched off', hint: 'switch it on' }]
    return { available: this.isAvailable, isolation: 'fake (none)', checks, capabilities: null }
  }

  planResources(asked: Resources, defaults: Resources): Resources {
    if (asked.memoryMib !== undefined)
      throw new IsolaError('limit.unenforceable', 'the fake driver has no memory limit')
    return { ...defaults, ...asked }
  }

  async resolveTemplate(template: string): Promise<TemplateDefaults> {
    await this.#step('resolveTemplate', template)
    if (template !== 'host') throw new IsolaError('template.not_found', `there is no template ${template}`)
    return { fingerprint: this.fingerprint, env: { PATH: '/usr/bin:/bin' }, workdir: '/home/user' }
  }

  async prepare(spec: BlankSpec): Promise<SandboxRef> {
    this.sandboxes.set(spec.sandboxId, { spec, alive: true, agents: [] })
    await this.#step('prepare', spec.sandboxId)
    return { sandboxId: spec.sandboxId, users: 'range' }
  }

  async personalise(ref: SandboxRef, resources: Resources): Promise<void> {
    await this.#step('personalise', ref.sandboxId)
    this.personalised.push({ id: ref.sandboxId, resources })
  }

  async connect(ref: SandboxRef): Promise<ByteChannel> {
    await this.#step('connect', ref.sandboxId)
    const sandbox = this.sandboxes.get(ref.sandboxId)
    if (sandbox === undefined) throw new Error('connection refused')
    const [host, inside] = memoryChannels()
    this.#startAgent(sandbox, inside)
    return host
  }

  async freeze(): Promise<void> {}
  async thaw(): Promise<void> {}

  async stats() {
    return { memoryBytes: null, memoryPeakBytes: null, cpuUsec: null, pids: null, oomKills: null }
  }

  async destroy(sandboxId: string): Promise<void> {
    await this.#step('destroy', sandboxId)
    for (const agent of this.sandboxes.get(sandboxId)?.agents ?? []) agent.close()
    this.sandboxes.delete(sandboxId)
  }

  async list(): Promise<ReadonlyMap<string, { alive: boolean }>> {
    await this.#step('list', '')
    return new Map([...this.sandboxes].map(([id, { alive }]) => [id, { alive }]))
  }

  onExit(listener: (sandboxId: string, reason: string) => void): void {
    this.exit = listener
  }

  async fix() {
    return []
  }

  async close(): Promise<void> {}

  agentOf(id: string): FakeAgent {
    const agent = this.sandboxes.get(id)?.agents.at(-1)
    if (agent === undefined) throw new Error(`no agent in ${id}`)
    return agent
  }

  #startAgent(sandbox: FakeSandbox, inside: MemoryEnd): void {
    const agent = new FakeAgent(inside, new Uint8Array(Buffer.from(sandbox.spec.keyHex, 'hex')))
    sandbox.agents.push(agent)
    this.onAgent(agent)
  }

  async #step(name: string, id: string): Promise<void> {
    this.calls.push(`${name} ${id}`.trim())
    await this.before.get(name)?.(id)
  }
}
