// SPDX-License-Identifier: Apache-2.0
import type { CpuGroup } from '../host/cpu-group.host.ts'

/** What a result is measured on. A ratio across classes carries both names. */
export type IsolationClass = 'none' | 'process namespace' | 'OCI container' | 'userspace kernel' | 'VM'

export interface Sample {
  /** In the unit of the row; what the clock covers is said there too. */
  readonly value: number
  readonly teardownMs?: number
  /** Further times by name, for the profile. */
  readonly parts?: Readonly<Record<string, number>>
}

/** Somebody who can do the row's operation once, as often as asked. */
export interface Participant {
  readonly name: string
  readonly isolation: IsolationClass
  /** All of its processes, dead ones too; null where the host does not let us count. */
  readonly cpu: CpuGroup | null
  /** @throws when the operation failed, or did not give back `nonce`. */
  once(nonce: string): Promise<Sample>
  close(): Promise<void>
}

/** A peer that cannot take part, and why: the table says so instead of a number from elsewhere. */
export interface Absence {
  readonly name: string
  readonly isolation: IsolationClass
  readonly reason: string
}
