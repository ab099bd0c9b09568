// SPDX-License-Identifier: Apache-2.0
import { type ProbeCheck, type ProcessSpec, randomId } from '@isola/protocol'
import { openAgentLink } from '../agent-link/agent-link.ts'
import { startAgentProcess } from '../agent-link/agent-process.ts'
import { toHex } from '../agent-link/hex.ts'
import type { Driver } from '../driver/driver.ts'
import { Operation } from '../operation/operation.ts'
import { removeSandbox } from '../pool/make-blank.ts'
import type { Random } from '../ports/random.ts'

const TRIAL_TIMEOUT_MS = 60_000
const PROGRAM = 'true'

/**
 * The last word on a driver: a throw-away sandbox is made, a command runs in it, and it is removed.
 * Parts that work one by one may still not work together.
 */
export async function trySandbox(driver: Driver, random: Random): Promise<ProbeCheck> {
  const operation = new Operation(`try a sandbox on driver ${driver.name}`, { timeoutMs: TRIAL_TIMEOUT_MS })
  const sandboxId = randomId('sb', (bytes) => random.bytes(bytes.length))
  try {
    await runOnce(driver, sandboxId, random, operation)
    return { id: 'whole-sandbox', ok: true, detail: `\`${PROGRAM}\` ran in a throw-away sandbox` }
  } catch (error) {
    const { message, hint } = error as { message: string; hint?: string }
    return {
      id: 'whole-sandbox',
      ok: false,
      detail: `run \`${PROGRAM}\` in a throw-away sandbox: ${message}`,
      hint: hint ?? null,
    }
  } finally {
    await removeSandbox(driver, sandboxId).catch(() => {})
  }
}

async function runOnce(driver: Driver, sandboxId: string, random: Random, operation: Operation): Promise<void> {
  const template = await operation.race(driver.resolveTemplate('host', operation))
  const resources = driver.planResources({}, {})
  const key = random.bytes(32)
  const spec = { sandboxId, keyHex: toHex(key), template: 'host', resources, volatile: true }
  const ref = await operation.race(driver.prepare(spec, operation))
  const link = await openAgentLink(await driver.connect(ref, operation), key, random, operation)
  const personality = {
    hostname: sandboxId,
    machineIdHex: toHex(random.bytes(16)),
    env: template.env,
    workdir: template.workdir,
    user: 'user',
    sudo: false,
    users: ref.users,
    seedHex: toHex(random.bytes(32)),
    rlimits: {},
  }
  await link.call('personalise', personality, operation)
  const process = await startAgentProcess(link, TRIAL_PROCESS, operation)
  const exit = await operation.race(process.exit)
  if (exit.exitCode !== 0) throw new Error(`it ended with ${exit.signal ?? exit.exitCode}`)
}

const TRIAL_PROCESS: ProcessSpec = {
  processId: 'trial',
  argv: [PROGRAM],
  env: {},
  tty: null,
  stdin: false,
  timeoutMs: null,
  killGraceMs: 0,
  outputLimitBytes: null,
  overflow: 'drop-oldest',
}
