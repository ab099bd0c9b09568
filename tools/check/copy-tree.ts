// SPDX-License-Identifier: Apache-2.0
import { cpSync, lstatSync, mkdirSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs'
import path from 'node:path'

const LEFT_OUT = new Set(['.git', 'node_modules', 'dist', 'target'])

/**
 * Copies what people wrote. Installed packages are links to those of the original; links between
 * workspaces stay relative, so that the copy sees its own.
 */
export function copyTree(from: string, to: string): void {
  cpSync(from, to, { recursive: true, filter: (file) => !LEFT_OUT.has(path.basename(file)) })
  for (const folder of packageFolders(from)) linkPackages(path.join(from, folder), path.join(to, folder))
}

/** Every node_modules folder of the tree, relative to it. */
function packageFolders(root: string, folder = ''): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => {
      const relative = path.join(folder, entry.name)
      if (entry.name === 'node_modules') return [relative]
      return LEFT_OUT.has(entry.name) ? [] : packageFolders(root, relative)
    })
}

function linkPackages(from: string, to: string): void {
  mkdirSync(to, { recursive: true })
  for (const name of readdirSync(from)) {
    const original = path.join(from, name)
    const copy = path.join(to, name)
    if (name.startsWith('@')) linkPackages(original, copy)
    else if (lstatSync(original).isSymbolicLink()) symlinkSync(readlinkSync(original), copy)
    else symlinkSync(original, copy)
  }
}
