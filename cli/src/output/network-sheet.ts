// SPDX-License-Identifier: Apache-2.0
import type { NetworkExplanation, NetworkLogEntry, NetworkRule, SandboxInfo } from '@isola/sdk'
import { printable } from './printable.ts'

/** A policy in the words of `--net`. */
export function describeNetwork(network: SandboxInfo['network']): string {
  if (network === 'none') return 'none (its own loopback only)'
  const rules = network.rules.flatMap(describeRule)
  const rest = network.default === 'allow' ? ['*'] : []
  return [...rules, ...rest].join(',') || 'nothing (every connection is denied)'
}

function describeRule({ action, domain, cidr, preset, ports }: NetworkRule): readonly string[] {
  const place = domain ?? preset ?? (cidr?.includes(':') ? `[${cidr}]` : cidr) ?? '*'
  const sign = action === 'deny' ? '-' : ''
  return (ports ?? ['']).map((range) => `${sign}${place}${range === '' ? '' : `:${range}`}`)
}

/** One line of the log: when, what was decided, about what, and why. */
export function describeEntry(entry: NetworkLogEntry): string {
  const { at, kind, verdict, protocol, host, address, port, method, reason, bytesUp, bytesDown } = entry
  const where = [host, address === null ? null : `${address}${port === null ? '' : `:${port}`}`]
  const what = [protocol, method, ...where].filter((word) => word !== null).join(' ')
  const bytes = bytesUp === null || bytesDown === null ? '' : ` (${bytesUp} B up, ${bytesDown} B down)`
  const mark = kind === 'end' ? 'end  ' : verdict.padEnd(5)
  return printable(`${at}  ${mark}  ${what}: ${reason}${bytes}`)
}

export function describeExplanation({ verdict, reason, steps }: NetworkExplanation): string {
  const lines = steps.map(({ rule, matches, why }) => {
    const which = rule === null ? '      ' : `rule ${rule}`.padEnd(6)
    return `  ${matches ? '→' : ' '} ${which}  ${printable(why)}`
  })
  return `${[`${verdict}: ${printable(reason)}`, ...lines].join('\n')}\n`
}
