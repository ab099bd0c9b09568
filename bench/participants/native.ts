// SPDX-License-Identifier: Apache-2.0
import { CpuGroup } from '../host/cpu-group.host.ts'
import { type Answer, LineProcess } from './line-process.ts'
import type { IsolationClass, Participant, Sample } from './participant.ts'

export interface NativeOptions {
  readonly name: string
  readonly isolation: IsolationClass
  /** The compiled limit program and the options of its `serve`. */
  readonly program: string
  readonly options?: readonly string[]
  /** The command for one operation. */
  readonly command: (nonce: string) => readonly string[]
  /** Which of the program's times counts. */
  readonly clock: 'firstByteNs' | 'endNs'
  /** Whether the nonce must come back as output. */
  readonly echoes: boolean
  readonly onClose?: () => Promise<void>
}

/** Somebody whose operation a small native program starts and times: it adds nothing of Node's. */
export function nativeParticipant(options: NativeOptions): Participant {
  const process = new LineProcess(options.program, ['serve', ...(options.options ?? [])])
  const cpu = CpuGroup.make(options.name)
  cpu?.add(process.pid)
  return {
    name: options.name,
    isolation: options.isolation,
    cpu,
    once: async (nonce) => toSample(await process.ask(...options.command(nonce)), nonce, options),
    close: async () => {
      await process.close()
      await options.onClose?.()
      await cpu?.remove()
    },
  }
}

function toSample(answer: Answer, nonce: string, { clock, echoes }: NativeOptions): Sample {
  if (!answer.ok)
    throw new Error(answer.error ?? `it ended with status ${String(answer['status'])}: ${String(answer['output'])}`)
  if (echoes && answer['output'] !== `${nonce}\n`) throw new Error(`wrong output ${JSON.stringify(answer['output'])}`)
  const teardownNs = answer['teardownNs']
  const marksNs = answer['marksNs'] as Record<string, number> | undefined
  return {
    value: Number(answer[clock]) / 1e6,
    ...(typeof teardownNs === 'number' ? { teardownMs: teardownNs / 1e6 } : {}),
    ...(marksNs === undefined ? {} : { parts: stepTimes(marksNs) }),
  }
}

/** Moments since the beginning, in order, as the time that each step took. */
function stepTimes(marksNs: Readonly<Record<string, number>>): Record<string, number> {
  let lastNs = 0
  const steps = Object.entries(marksNs).map(([name, ns]) => {
    const stepMs = (ns - lastNs) / 1e6
    lastNs = ns
    return [name, stepMs] as const
  })
  return Object.fromEntries(steps)
}
