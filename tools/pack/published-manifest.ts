// SPDX-License-Identifier: Apache-2.0
import type { Manifest } from '../workspaces.ts'

const SOURCE_CONDITION = '@isola/source'

/** A manifest for the outside: without ways to the source, and naming versions where a checkout names folders. */
export function publishedManifest(manifest: Manifest): Manifest {
  const { exports, optionalDependencies, ...rest } = manifest
  return {
    ...rest,
    ...(exports && { exports: mapValues(exports, (conditions) => withoutSource(conditions)) }),
    ...(optionalDependencies && {
      optionalDependencies: mapValues(optionalDependencies, (version) =>
        version.startsWith('file:') ? manifest.version : version,
      ),
    }),
  }
}

function withoutSource(conditions: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(conditions).filter(([name]) => name !== SOURCE_CONDITION))
}

function mapValues<From, To>(record: Readonly<Record<string, From>>, change: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]))
}
