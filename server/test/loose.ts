// SPDX-License-Identifier: Apache-2.0

/** JSON of which a test looks at some fields. */
export interface Loose {
  readonly [field: string]: Loose
  // Named, because they are there whenever a test looks at them.
  readonly error: Loose
  readonly context: Loose
  readonly reference: Loose
}

export function parseLines(text: string): Loose[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Loose)
}
