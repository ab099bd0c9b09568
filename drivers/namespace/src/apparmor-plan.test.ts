// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest'
import { appArmorProfile, PROFILE_PATH, planAppArmorFix } from './apparmor-plan.ts'

const FACTS = {
  isRestricted: true,
  isRoot: true,
  hasParser: true,
  launcher: '/app/node_modules/x/bin/isola-launcher',
  stableLauncher: '/usr/local/lib/isola/isola-launcher',
}

describe('the fix for hosts whose AppArmor forbids user namespaces', () => {
  test('installs the launcher, writes a profile for that place alone, loads it', () => {
    expect(planAppArmorFix(FACTS)).toEqual({
      steps: [
        { kind: 'install', from: FACTS.launcher, to: FACTS.stableLauncher, mode: 0o755 },
        { kind: 'write', path: PROFILE_PATH, content: appArmorProfile(FACTS.stableLauncher) },
        { kind: 'run', argv: ['apparmor_parser', '--replace', PROFILE_PATH] },
      ],
    })
  })

  test('the profile gives user namespaces to one path and nothing else', () => {
    const profile = appArmorProfile('/usr/local/lib/isola/isola-launcher')
    expect(profile).toContain('profile isola-launcher /usr/local/lib/isola/isola-launcher flags=(unconfined) {')
    expect(profile.match(/^ {2}\w.*,$/gm)).toEqual(['  userns,'])
  })

  test('does nothing where nothing is forbidden', () => {
    expect(planAppArmorFix({ ...FACTS, isRestricted: false })).toBe('nothing-to-do')
  })

  test('says what is needed when it cannot', () => {
    expect(planAppArmorFix({ ...FACTS, isRoot: false })).toMatchObject({
      refusal: expect.stringContaining('sudo isola doctor --fix') as string,
    })
    expect(planAppArmorFix({ ...FACTS, hasParser: false })).toMatchObject({
      refusal: expect.stringContaining('apparmor_parser') as string,
    })
  })
})
