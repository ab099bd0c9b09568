// SPDX-License-Identifier: Apache-2.0

/** What must be known of the host to decide; see fix-apparmor.host.ts for where it comes from. */
export interface AppArmorFacts {
  /** Ubuntu's restriction of user namespaces for ordinary users is switched on. */
  readonly isRestricted: boolean
  readonly isRoot: boolean
  readonly hasParser: boolean
  /** The launcher of this installation. */
  readonly launcher: string
  readonly stableLauncher: string
}

export type FixStep =
  | { readonly kind: 'install'; readonly from: string; readonly to: string; readonly mode: number }
  | { readonly kind: 'write'; readonly path: string; readonly content: string }
  | { readonly kind: 'run'; readonly argv: readonly string[] }

export type AppArmorPlan = { readonly steps: readonly FixStep[] } | { readonly refusal: string } | 'nothing-to-do'

export const PROFILE_PATH = '/etc/apparmor.d/isola-launcher'

/**
 * The restriction goes by the path of the program, and a binary below node_modules has no stable
 * one: so the launcher gets a place of its own, and a profile for that place alone.
 */
export function planAppArmorFix(facts: AppArmorFacts): AppArmorPlan {
  if (!facts.isRestricted) return 'nothing-to-do'
  if (!facts.isRoot) return { refusal: 'writing an AppArmor profile needs root: run `sudo isola doctor --fix` once' }
  if (!facts.hasParser) return { refusal: 'apparmor_parser is not installed: install the package apparmor' }
  return {
    steps: [
      { kind: 'install', from: facts.launcher, to: facts.stableLauncher, mode: 0o755 },
      { kind: 'write', path: PROFILE_PATH, content: appArmorProfile(facts.stableLauncher) },
      { kind: 'run', argv: ['apparmor_parser', '--replace', PROFILE_PATH] },
    ],
  }
}

/** Takes nothing from the launcher and gives it one thing: user namespaces. */
export function appArmorProfile(launcher: string): string {
  return `# Lets the launcher of Isola make user namespaces, and nothing else. Written by \`isola doctor --fix\`.
abi <abi/4.0>,
include <tunables/global>

profile isola-launcher ${launcher} flags=(unconfined) {
  userns,

  include if exists <local/isola-launcher>
}
`
}
