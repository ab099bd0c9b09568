// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'

/** Version of this package. Safety: a fixed path inside the package. */
export function serverVersion(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
