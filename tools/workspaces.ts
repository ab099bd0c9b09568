// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { root } from './run-to-end.ts'

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly files: readonly string[]
  readonly exports?: Readonly<Record<string, Record<string, string>>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** A package that is published. */
export interface Workspace {
  /** Relative to the checkout. */
  readonly folder: string
  readonly manifest: Manifest
}

/** Packages made of TypeScript, in the order in which they depend on each other. */
export const typescriptFolders = ['protocol', 'core', 'images', 'drivers/namespace', 'server', 'sdk/typescript', 'cli']

/** The package that carries the binaries for the processor this runs on. */
export const guestFolder = `guest/npm/linux-${process.arch}`

export function workspace(folder: string): Workspace {
  const manifest: Manifest = JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8'))
  return { folder, manifest }
}
