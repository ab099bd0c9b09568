// SPDX-License-Identifier: Apache-2.0
import type { PresetHost } from '@isola/core'
import { cleanUrl } from './registry-urls.ts'

export interface RegistryFile {
  readonly path: string
  readonly content: string
}

/** Where the host's package managers fetch from, and what to tell those inside; never a credential. */
export interface RegistryFacts {
  readonly hosts: readonly PresetHost[]
  readonly env: Readonly<Record<string, string>>
  readonly files: readonly RegistryFile[]
  /** What could not be carried over, for the operator. */
  readonly notes: readonly string[]
}

/** Gathers the facts of one package manager. */
export class FactSheet implements RegistryFacts {
  readonly hosts: PresetHost[] = []
  readonly env: Record<string, string> = {}
  readonly files: RegistryFile[] = []
  readonly notes: string[] = []
  readonly #manager: string

  constructor(manager: string) {
    this.#manager = manager
  }

  note(text: string): void {
    this.notes.push(`${this.#manager}: ${text}`)
  }

  /** @returns the URL as it may be told inside; undefined when there is nothing to fetch over HTTP */
  registry(text: string): string | undefined {
    const url = cleanUrl(text)
    if (url === undefined) {
      // Not the value: it may hold a password.
      this.note(`a registry that is not reached over HTTP is left out (${/^[a-z+]+(?=:)/.exec(text)?.[0] ?? 'no URL'})`)
      return undefined
    }
    if (url.host === undefined) this.note(`${url.href} is an address: it needs a rule with \`cidr\``)
    else this.hosts.push(url.host)
    if (url.hadCredentials) this.note(`${url.href} has credentials on the host, which stay outside`)
    return url.href
  }
}

export function mergeFacts(sheets: readonly RegistryFacts[]): RegistryFacts {
  const hosts = new Map(sheets.flatMap((sheet) => sheet.hosts).map((entry) => [`${entry.host}:${entry.port}`, entry]))
  return {
    hosts: [...hosts.values()],
    env: Object.assign({}, ...sheets.map((sheet) => sheet.env)),
    files: sheets.flatMap((sheet) => sheet.files),
    notes: [...new Set(sheets.flatMap((sheet) => sheet.notes))],
  }
}
