// SPDX-License-Identifier: Apache-2.0
import type { Sandbox } from '@isola/sdk'

interface Edit {
  readonly thought: string
  readonly find: string
  readonly replace: string
}

/** What a model would answer, written down: the demo needs no key and gives the same every time. */
const SCRIPT: readonly Edit[] = [
  {
    thought: 'tax leaves fractions of a cent: round the total',
    find: 'return net + (net * taxPercent) / 100',
    replace: 'return Math.round(net + (net * taxPercent) / 100)',
  },
  {
    thought: 'cents lose their zero, and Math.floor turns -0.05 into -1: write sign, whole and cents apart',
    find: '  return `${Math.floor(cents / 100)}.${cents % 100}`',
    replace: [
      "  const sign = cents < 0 ? '-' : ''",
      '  const absolute = Math.abs(cents)',
      "  return `${sign}${Math.floor(absolute / 100)}.${String(absolute % 100).padStart(2, '0')}`",
    ].join('\n'),
  },
]

/** A scripted agent: looks at a failing test, edits the file inside the sandbox, and goes again. */
export class CodingAgent {
  readonly #sandbox: Sandbox
  readonly #file: string
  #step = 0

  constructor(sandbox: Sandbox, file: string) {
    this.#sandbox = sandbox
    this.#file = file
  }

  /** Makes the next edit; tells why, or undefined when it has no idea left. */
  async next(): Promise<string | undefined> {
    const edit = SCRIPT[this.#step++]
    if (edit === undefined) return undefined
    const source = await this.#sandbox.files.readText(this.#file)
    if (!source.includes(edit.find)) throw new Error(`the agent cannot find its line in ${this.#file}`)
    await this.#sandbox.files.write(
      this.#file,
      source.replace(edit.find, () => edit.replace),
    )
    return edit.thought
  }
}
