// SPDX-License-Identifier: Apache-2.0
import { readdirSync } from 'node:fs'
import path from 'node:path'

const NOT_OURS = new Set(['node_modules', 'dist', 'target', '.git', 'golden', 'generations'])

/** Files of the tree that people write, relative to its root. */
export function sourceFiles(root: string, endings: readonly string[], folder = ''): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const relative = path.join(folder, entry.name)
    if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : sourceFiles(root, endings, relative)
    return entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)) ? [relative] : []
  })
}
