// SPDX-License-Identifier: Apache-2.0
import type { RootfsStack } from '@isola/protocol'
import type { Operation } from '../operation/operation.ts'

/** Something below a directory that not everybody on the host may read. */
export interface UnreadableEntry {
  readonly path: string
  readonly type: string
}

/**
 * Whom the files of a template belong to inside: `as-on-disk` where ids are mapped; else all that the
 * server's own account makes belongs to `root` or to `user`, and what is not its own to nobody.
 */
export type FileOwners = 'as-on-disk' | 'root' | 'user'

/** What a driver lends to whoever builds templates: what it knows, and the one careful walk over host directories. */
export interface TemplateTools {
  readonly fileOwners: FileOwners
  findUnreadable(path: string, operation: Operation): Promise<readonly UnreadableEntry[]>
}

/** What a template says about the processes inside. */
export interface TemplateDefaults {
  /** Of all that is inside: a blank made from another one must not become a sandbox any more. */
  readonly fingerprint: string
  readonly env: Readonly<Record<string, string>>
  readonly workdir: string
}

export interface ResolvedTemplate extends TemplateDefaults {
  readonly rootfs: Omit<RootfsStack, 'volatile'>
}

/** Turns the name of a template into layers on this host, building them when they are missing. */
export interface TemplateSource {
  /** @throws template.not_found, template.build_failed */
  resolve(template: string, tools: TemplateTools, operation: Operation): Promise<ResolvedTemplate>
  /** To be called while no sandbox lives: removes what only earlier ones needed. Never fails. */
  removeUnused(): Promise<void>
}
