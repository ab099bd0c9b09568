// SPDX-License-Identifier: Apache-2.0

/** What listens on every address of the targets. */
export const PORTS = {
  http: [80, 8080, 3128, 8888],
  tls: [443, 8443, 9443, 853],
  echo: [25, 4444, 5432, 6379, 7777, 50_000],
  banner: [22],
  endless: [19],
} as const

/** Answers of the DNS server: each question takes the next; the last stays. Names that are not there do not exist. */
export interface Zone {
  readonly [name: string]: readonly ZoneAnswer[]
}

export interface ZoneAnswer {
  readonly addresses: readonly string[]
  readonly ttlSeconds?: number
}

export type TargetOrder =
  | { readonly order: 'open'; readonly id: number; readonly dnsAddress?: string }
  | { readonly order: 'zone'; readonly id: number; readonly zone: Zone }
  | { readonly order: 'fence'; readonly id: number }

export type TargetEvent =
  | { readonly event: 'done'; readonly id: number }
  | { readonly event: 'open'; readonly number: number; readonly address: string; readonly port: number }
  | { readonly event: 'bytes'; readonly number: number; readonly text: string }
  | { readonly event: 'closed'; readonly number: number; readonly how: 'end' | 'reset' }
  | { readonly event: 'question'; readonly name: string; readonly type: number; readonly transport: 'udp' | 'tcp' }
