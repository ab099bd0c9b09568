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

/**
 * True when a symlink at `parts` with this target stays within the tree that is copied. Going up
 * after going down is refused: what it went down through may be a link itself, and then up is elsewhere.
 */
export function staysWithin(parts: readonly string[], target: string): boolean {
  if (target === '' || target.startsWith('/') || target.includes('\0')) return false
  const steps = target.split('/').filter((step) => step !== '' && step !== '.')
  const firstDown = steps.findIndex((step) => step !== '..')
  const ups = firstDown === -1 ? steps : steps.slice(0, firstDown)
  return ups.length < parts.length && !steps.slice(ups.length).includes('..')
}
