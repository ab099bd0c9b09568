// SPDX-License-Identifier: Apache-2.0
import { styleText } from 'node:util'
import type { DriverReport } from '@isola/sdk'
import type { FixedDoctorReport } from '../local-server/isolad.host.ts'

/** The verdicts for people: each with its reason, and the way out where there is one. */
export function describeDoctor(report: FixedDoctorReport, colors: boolean): string {
  const paint = (style: 'green' | 'yellow' | 'bold', text: string): string =>
    colors ? styleText(style, text, { validateStream: false }) : text
  const lines: string[] = []
  for (const driver of report.drivers) {
    lines.push(
      `${paint('bold', driver.driver)}: ${driver.available ? `available, ${driver.isolation}` : 'not available'}`,
    )
    const width = Math.max(0, ...driver.checks.map(({ id }) => id.length))
    for (const { id, ok, detail, hint } of driver.checks) {
      lines.push(`  ${ok ? paint('green', 'yes') : paint('yellow', 'no ')}  ${id.padEnd(width)}  ${detail}`)
      if (!ok && hint) lines.push(`       ${' '.repeat(width)}  hint: ${hint}`)
    }
    lines.push(...describeLimits(driver))
  }
  if (report.fixes?.length === 0) lines.push('nothing to fix')
  for (const { id, applied, detail } of report.fixes ?? [])
    lines.push(`${applied ? 'fixed' : 'not fixed'}: ${id}: ${detail}`)
  lines.push(`state directory: ${report.stateDirectory}`)
  return `${lines.join('\n')}\n`
}

function describeLimits({ capabilities }: DriverReport): string[] {
  if (capabilities === null) return []
  const limits = Object.entries(capabilities.limits).map(
    ([name, by]) => `${name} ${by === 'none' ? 'not enforced' : `by ${by}`}`,
  )
  return [`  limits: ${limits.join(', ')}`]
}
