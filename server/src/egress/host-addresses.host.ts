// SPDX-License-Identifier: Apache-2.0
import { networkInterfaces } from 'node:os'
import { formatAddress, parseAddress } from '@isola/core'

const KEPT_MS = 5_000

/** The host's own addresses, asked for anew now and then: networks come and go. Nothing inside has a say in it. */
export function hostAddresses(nowMs: () => number): () => ReadonlySet<string> {
  let known: ReadonlySet<string> = new Set()
  let askedAtMs = Number.NEGATIVE_INFINITY
  return () => {
    if (nowMs() - askedAtMs < KEPT_MS) return known
    askedAtMs = nowMs()
    const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
    known = new Set(
      all.flatMap(({ address }) => {
        const parsed = parseAddress(address.replace(/%.*$/, ''))
        return parsed === undefined ? [] : [formatAddress(parsed)]
      }),
    )
    return known
  }
}
