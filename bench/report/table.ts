// SPDX-License-Identifier: Apache-2.0

/** Cells by column, already as text. */
export type TableLine = readonly string[]

/** Aligned columns under a header; those that hold numbers are aligned to the right. */
export function renderTable(header: TableLine, lines: readonly TableLine[], numeric: ReadonlySet<string>): string {
  const widths = header.map((name, column) =>
    Math.max(name.length, ...lines.map((line) => (line[column] ?? '').length)),
  )
  const render = (line: TableLine): string =>
    widths
      .map((width, column) => {
        const cell = line[column] ?? ''
        return numeric.has(header[column] as string) ? cell.padStart(width) : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd()
  return [render(header), widths.map((width) => '─'.repeat(width)).join('  '), ...lines.map(render)].join('\n')
}
