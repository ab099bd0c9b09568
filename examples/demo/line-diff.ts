// SPDX-License-Identifier: Apache-2.0
export interface DiffLine {
  readonly kind: 'same' | 'removed' | 'added'
  readonly text: string
}

/** The shortest way from one text to the other, by lines. For small texts: it takes time n × m. */
export function lineDiff(before: string, after: string): DiffLine[] {
  const [from, to] = [before.split('\n'), after.split('\n')]
  const common = commonLengths(from, to)
  const lines: DiffLine[] = []
  for (let [i, j] = [0, 0]; i < from.length || j < to.length; ) {
    const [left, right] = [from[i], to[j]]
    if (left !== undefined && left === right) {
      lines.push({ kind: 'same', text: left })
      i++
      j++
    } else if (
      left !== undefined &&
      (right === undefined || lengthAt(common, i + 1, j) >= lengthAt(common, i, j + 1))
    ) {
      lines.push({ kind: 'removed', text: left })
      i++
    } else {
      lines.push({ kind: 'added', text: right ?? '' })
      j++
    }
  }
  return lines
}

/** At [i][j]: how many lines the rests from i and j have in common. */
function commonLengths(from: readonly string[], to: readonly string[]): number[][] {
  const table = Array.from({ length: from.length + 1 }, () => Array.from({ length: to.length + 1 }, () => 0))
  for (let i = from.length - 1; i >= 0; i--) {
    for (let j = to.length - 1; j >= 0; j--) {
      const best =
        from[i] === to[j]
          ? lengthAt(table, i + 1, j + 1) + 1
          : Math.max(lengthAt(table, i + 1, j), lengthAt(table, i, j + 1))
      ;(table[i] as number[])[j] = best
    }
  }
  return table
}

function lengthAt(table: readonly number[][], i: number, j: number): number {
  return table[i]?.[j] ?? 0
}
