// SPDX-License-Identifier: Apache-2.0
import type { Manifest } from '../workspaces.ts'

const SOURCE_CONDITION = '@isola/source'
const FOLDER = 'file:'

/**
 * A manifest for the outside: without ways to the source, and naming versions where a checkout names folders.
 * @param isBuilt whether such a folder holds what it is for; a package that does not is not claimed to exist
 */
export function publishedManifest(manifest: Manifest, isBuilt: (folder: string) => boolean): Manifest {
  const { exports, optionalDependencies, ...rest } = manifest
  return {
    ...rest,
    ...(exports && { exports: mapValues(exports, (conditions) => withoutSource(conditions)) }),
    ...(optionalDependencies && { optionalDependencies: published(optionalDependencies, manifest.version, isBuilt) }),
  }
}

function published(
  dependencies: Readonly<Record<string, string>>,
  version: string,
  isBuilt: (folder: string) => boolean,
): Record<string, string> {
  const entries = Object.entries(dependencies).flatMap(([name, wanted]): [string, string][] => {
    if (!wanted.startsWith(FOLDER)) return [[name, wanted]]
    return isBuilt(wanted.slice(FOLDER.length)) ? [[name, version]] : []
  })
  return Object.fromEntries(entries)
}

function withoutSource(conditions: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(conditions).filter(([name]) => name !== SOURCE_CONDITION))
}

function mapValues<From, To>(record: Readonly<Record<string, From>>, change: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]))
}
