// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process'
import { accessSync } from 'node:fs'
import { chmod, copyFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import type { AppliedFix, Operation } from '@isola/core'
import { type AppArmorFacts, type FixStep, planAppArmorFix } from './apparmor-plan.ts'
import { STABLE_LAUNCHER } from './guest-binaries.host.ts'

const RESTRICTION = '/proc/sys/kernel/apparmor_restrict_unprivileged_userns'
const SYSTEM_DIRECTORIES = ['/usr/sbin', '/sbin', '/usr/bin', '/bin']
const FIX_ID = 'apparmor-userns'

/**
 * Lets ordinary users' launchers make user namespaces on hosts whose AppArmor forbids them.
 * Safety: the only effect for others is a launcher that may do what the kernel allows every user by
 * default; it is owned by root and cannot be replaced by them.
 */
export async function fixAppArmor(launcher: string, operation: Operation): Promise<AppliedFix[]> {
  const plan = planAppArmorFix(await readFacts(launcher))
  if (plan === 'nothing-to-do') return []
  if ('refusal' in plan) return [{ id: FIX_ID, applied: false, detail: plan.refusal }]
  const done: string[] = []
  try {
    for (const step of plan.steps) {
      operation.check()
      done.push(await apply(step))
    }
    return [{ id: FIX_ID, applied: true, detail: done.join('; ') }]
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return [{ id: FIX_ID, applied: false, detail: [...done, `then failed: ${why}`].join('; ') }]
  }
}

async function readFacts(launcher: string): Promise<AppArmorFacts> {
  const restriction = await readFile(RESTRICTION, 'utf8').catch(() => '0')
  return {
    isRestricted: restriction.trim() === '1',
    isRoot: process.getuid?.() === 0,
    hasParser: SYSTEM_DIRECTORIES.some((directory) => exists(path.join(directory, 'apparmor_parser'))),
    launcher,
    stableLauncher: STABLE_LAUNCHER,
  }
}

async function apply(step: FixStep): Promise<string> {
  switch (step.kind) {
    case 'install': {
      // Replaced by renaming, because a running launcher's file cannot be written to.
      const fresh = `${step.to}.new`
      await mkdir(path.dirname(step.to), { recursive: true, mode: 0o755 })
      await copyFile(step.from, fresh)
      await chmod(fresh, step.mode)
      await rename(fresh, step.to)
      return `installed ${step.to}`
    }
    case 'write':
      await writeFile(step.path, step.content, { mode: 0o644 })
      return `wrote ${step.path}`
    case 'run': {
      const [program, ...args] = step.argv
      const env = { PATH: SYSTEM_DIRECTORIES.join(':') }
      await promisify(execFile)(program as string, args, { env })
      return `ran ${step.argv.join(' ')}`
    }
  }
}

function exists(file: string): boolean {
  try {
    accessSync(file)
    return true
  } catch {
    return false
  }
}
