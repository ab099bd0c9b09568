// SPDX-License-Identifier: Apache-2.0
import { CopyError } from './copy-error.ts'

/**
 * The path of a listed entry below the directory that was listed, as its parts. What a sandbox
 * says is not believed: a part that would lead anywhere else is an error.
 */
export function entryParts(root: string, path: string): string[] {
  const prefix = root === '/' ? '/' : `${root}/`
  const parts = path.startsWith(prefix) ? path.slice(prefix.length).split('/') : ['']
  if (parts.every((part) => part !== '' && part !== '.' && part !== '..' && !part.includes('\0'))) return parts
  throw new CopyError(
    `copy ${root}: the sandbox lists ${JSON.stringify(path)}, which is not below it`,
    'do not trust this sandbox; nothing outside of the target was written',
  )
}

/** True when a symlink at `parts` with this target stays within the tree that is copied. */
export function staysWithin(parts: readonly string[], target: string): boolean {
  if (target === '' || target.startsWith('/') || target.includes('\0')) return false
  let depth = parts.length - 1
  for (const step of target.split('/')) {
    if (step === '..') depth--
    else if (step !== '' && step !== '.') depth++
    if (depth < 0) return false
  }
  return true
}
