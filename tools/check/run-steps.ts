// SPDX-License-Identifier: Apache-2.0
import { availableParallelism } from 'node:os'
import type { Step, StepEnd } from './step.ts'

export interface Finished extends StepEnd {
  readonly step: Step
  readonly durationMs: number
}

/** Runs steps side by side, one line each; a failed one shows its whole output. */
export async function runSteps(steps: readonly Step[], root: string): Promise<boolean> {
  const finished = await finishSteps(steps, root, (end) => {
    console.log(`${end.ok ? '✓' : '✗'} ${end.step.name.padEnd(13)} ${seconds(end.durationMs)}  ${end.step.about}`)
    if (!end.ok) console.log(end.output.trimEnd().replaceAll(/^/gm, '    '))
  })
  return finished.every(({ ok }) => ok)
}

/** Runs steps side by side, as many as there are processors. */
export async function finishSteps(
  steps: readonly Step[],
  root: string,
  onEnd: (end: Finished) => void,
): Promise<Finished[]> {
  const waiting = [...steps]
  const finished: Finished[] = []
  const worker = async (): Promise<void> => {
    for (let step = waiting.shift(); step; step = waiting.shift()) {
      const end = await finishStep(step, root)
      finished.push(end)
      onEnd(end)
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, worker))
  return finished
}

async function finishStep(step: Step, root: string): Promise<Finished> {
  const startedMs = performance.now()
  const end = await step.run(root).catch((error: unknown) => ({ ok: false, output: String(error) }))
  return { ...end, step, durationMs: performance.now() - startedMs }
}

export function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`.padStart(7)
}
