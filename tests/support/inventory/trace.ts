// SPDX-License-Identifier: Apache-2.0

/** By what the things of one Isola are told from those of everybody else on the host. */
export interface Trace {
  /** Every path that Isola was given lies below it. */
  readonly directory: string
  /** The control groups that its processes were started in, one a hierarchy; empty without privileges. */
  readonly cgroups: readonly string[]
}

/** Something that was found on the host, by a name that a person can look for. */
export type Found = string
