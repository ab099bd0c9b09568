// SPDX-License-Identifier: Apache-2.0
import * as z from 'zod'

/**
 * Identifiers. They are lower-case letters and digits only, because a sandbox id is
 * also a DNS label part (`{port}-{id}.<domain>`), a directory name and a cgroup name.
 */
const idOf = <Brand extends string>(prefix: string, brand: Brand) =>
  z
    .string()
    .regex(new RegExp(`^${prefix}[a-z0-9]{18}$`))
    .meta({ id: brand, description: `opaque identifier, \`${prefix}\` and 18 characters of [a-z0-9]` })

export const SandboxId = idOf('sb', 'SandboxId')
export type SandboxId = z.infer<typeof SandboxId>

export const RunId = idOf('rn', 'RunId')
export type RunId = z.infer<typeof RunId>

/** A process id may be chosen by the client, so that a repeated start is recognised. */
export const ProcessId = z
  .string()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$/)
  .meta({ id: 'ProcessId', description: 'chosen by the client or made by the server; unique within a run' })
export type ProcessId = z.infer<typeof ProcessId>

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz'

/** 18 characters drawn from 36 carry 93 bits: not guessable, never reused. */
export function randomId(prefix: 'sb' | 'rn' | 'pr', random: (bytes: Uint8Array) => Uint8Array): string {
  let id = prefix as string
  while (id.length < prefix.length + 18) {
    for (const byte of random(new Uint8Array(24))) {
      // 252 is the largest multiple of 36 below 256; the rest would bias the draw.
      if (byte < 252 && id.length < prefix.length + 18) id += ALPHABET[byte % 36]
    }
  }
  return id
}
