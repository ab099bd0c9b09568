// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { root } from '../run-to-end.ts'
import { copyTree } from './copy-tree.ts'
import { type Plant, plants } from './plants.ts'
import { finishSteps, seconds } from './run-steps.ts'
import { steps } from './steps.ts'

/** Plants a violation for each step in a copy of the tree, and holds each step to finding its own. */
export async function bite(): Promise<boolean> {
  const startedMs = performance.now()
  const copy = mkdtempSync(path.join(tmpdir(), 'isola-bite-'))
  try {
    copyTree(root, copy)
    const unsown = plants.flatMap((plant) => sow(plant, copy))
    const finished = await finishSteps(steps, copy, () => {})
    const problems = [
      ...unsown,
      ...steps.filter(({ name }) => !plants.some(({ step }) => step === name)).map(({ name }) => `${name}: no plant`),
      ...plants.flatMap((plant) => {
        const end = finished.find(({ step }) => step.name === plant.step)
        return end ? blindness(plant, end.ok, end.output) : [`${plant.step}: no such step`]
      }),
    ]
    const line = `${'bite'.padEnd(13)} ${seconds(performance.now() - startedMs)}  each tool finds what is planted for it`
    console.log([`${problems.length === 0 ? '✓' : '✗'} ${line}`, ...problems.map((text) => `    ${text}`)].join('\n'))
    return problems.length === 0
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

/** Makes the violations of one plant; answers what could not be planted. */
function sow(plant: Plant, copy: string): string[] {
  for (const [file, content] of Object.entries(plant.files ?? {})) {
    const place = path.join(copy, file)
    mkdirSync(path.dirname(place), { recursive: true })
    writeFileSync(place, content)
  }
  return Object.entries(plant.changes ?? {}).flatMap(([file, change]) => {
    const place = path.join(copy, file)
    if (!existsSync(place)) return [`${plant.step}: no ${file} to plant in`]
    const before = readFileSync(place, 'utf8')
    const after = change(before)
    if (after === before) return [`${plant.step}: the plant changes nothing in ${file}`]
    writeFileSync(place, after)
    return []
  })
}

function blindness(plant: Plant, ok: boolean, output: string): string[] {
  if (ok) return [`${plant.step}: content with a planted violation`]
  const unsaid = plant.says.filter((word) => !output.includes(word))
  if (unsaid.length === 0) return []
  return [
    ...unsaid.map((word) => `${plant.step}: does not say "${word}"`),
    output.slice(-2000).replaceAll(/^/gm, '      '),
  ]
}
