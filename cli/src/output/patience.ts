// SPDX-License-Identifier: Apache-2.0
import type { Output } from './terminal.ts'

const SILENCE_MS = 1000
const ERASE_LINE = '\r\u001b[K'

/** Almost always it takes a few milliseconds, so whoever reads this waits for what happens only once. */
export const CREATING = 'isola: creating the sandbox… (the first one prepares the template, once)'

/**
 * Says what is being waited for once it takes longer than a second, on a terminal only, and takes
 * it back when it is over. `text` is asked again five times a second.
 */
export async function withPatience<Result>(output: Output, text: () => string, work: Promise<Result>): Promise<Result> {
  if (!output.isTerminal) return work
  let shown = false
  const show = (): void => {
    shown = true
    output.write(`${ERASE_LINE}${text().slice(0, output.columns - 1)}`).catch(() => undefined)
  }
  let timer = setTimeout(() => {
    show()
    timer = setInterval(show, 200)
  }, SILENCE_MS)
  try {
    return await work
  } finally {
    clearTimeout(timer)
    if (shown) await output.write(ERASE_LINE).catch(() => undefined)
  }
}
