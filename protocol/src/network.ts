// SPDX-License-Identifier: Apache-2.0
import * as z from 'zod'

/** A rule list longer than this is refused. */
export const MAX_NETWORK_RULES = 256

const LABEL = '(?!-)[a-z0-9_-]{1,63}(?<!-)'
const DOMAIN = new RegExp(`^(\\*\\.|\\.)?(${LABEL}\\.)*${LABEL}\\.?$`, 'i')

/** `api.example.com` that name alone · `*.example.com` everything below it · `.example.com` both. */
export const DomainPattern = z
  .string()
  .max(253)
  .regex(DOMAIN, 'a host name, `*.name` for all below it, or `.name` for both')
  .refine((text) => !/^[0-9.]+$/.test(text), 'an address goes into `cidr`')

/** `10.0.0.0/8`, `2001:db8::/32`, or one address. */
export const Cidr = z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()])

export const PortRange = z
  .string()
  .regex(/^\d{1,5}(-\d{1,5})?$/, 'a port or a range, like 443 or 8000-8999')
  .refine((text) => {
    const [from, to] = text.split('-').map(Number) as [number, number | undefined]
    return from >= 1 && from <= (to ?? from) && (to ?? from) <= 65535
  }, 'ports are 1 to 65535, the smaller one first')

export const NETWORK_PRESETS = ['public-internet', 'package-registries'] as const
export const NetworkPreset = z.enum(NETWORK_PRESETS)
export type NetworkPreset = z.infer<typeof NetworkPreset>

export const NetworkRule = z
  .strictObject({
    action: z.enum(['allow', 'deny']),
    domain: DomainPattern.optional(),
    cidr: Cidr.optional().describe('the only way to reach private addresses'),
    preset: NetworkPreset.optional(),
    ports: z.array(PortRange).min(1).max(64).optional().describe('default: all'),
  })
  .refine(
    ({ domain, cidr, preset }) => [domain, cidr, preset].filter((place) => place !== undefined).length <= 1,
    'domain, cidr and preset exclude each other',
  )
  .meta({
    id: 'NetworkRule',
    description: 'without domain, cidr and preset: allow means every public destination, deny means everything',
  })
export type NetworkRule = z.infer<typeof NetworkRule>

export const NetworkPolicy = z
  .strictObject({
    rules: z.array(NetworkRule).max(MAX_NETWORK_RULES).default([]).describe('the first that fits decides'),
    default: z.enum(['allow', 'deny']).default('deny').describe('`allow`: what no rule names, if it is public'),
    maxConnections: z.number().int().min(1).max(65536).default(256).describe('open at the same time'),
    bytesPerSecond: z.number().int().min(1024).optional().describe('both directions and all connections together'),
  })
  .meta({ id: 'NetworkPolicy' })
export type NetworkPolicy = z.output<typeof NetworkPolicy>

/** `none`: no address but the own loopback can be reached. */
export const Network = z
  .union([z.literal('none'), NetworkPolicy])
  .meta({ id: 'Network', description: '`none`: no address but the own loopback can be reached' })
export type Network = z.output<typeof Network>

/** As a sandbox shows it: every field is there. */
export const NetworkInForce = z
  .union([
    z.literal('none'),
    z
      .object({
        rules: z.array(NetworkRule),
        default: z.enum(['allow', 'deny']),
        maxConnections: z.number().int(),
        bytesPerSecond: z.number().int().optional(),
      })
      .meta({ id: 'NetworkPolicyInForce' }),
  ])
  .meta({ id: 'NetworkInForce' })

export const NetworkVerdict = z
  .object({
    verdict: z.enum(['allow', 'deny']),
    rule: z.number().int().nullable().describe('index of the rule that decided; null for the default or a guard'),
    reason: z.string(),
  })
  .meta({ id: 'NetworkVerdict' })
export type NetworkVerdict = z.infer<typeof NetworkVerdict>

export const SetNetwork = z.strictObject({ network: Network }).meta({ id: 'SetNetwork' })

export const NetworkExplanation = NetworkVerdict.extend({
  steps: z.array(
    z.object({
      rule: z.number().int().nullable().describe('null: a guard, the look-up or the default'),
      matches: z.boolean(),
      why: z.string(),
    }),
  ),
}).meta({ id: 'NetworkExplanation' })
export type NetworkExplanation = z.infer<typeof NetworkExplanation>

export const NetworkLogEntry = NetworkVerdict.extend({
  sequence: z.number().int(),
  at: z.iso.datetime(),
  sandboxId: z.string(),
  kind: z.enum(['name', 'connection', 'request', 'end']),
  host: z.string().nullable().describe('as asked for: name looked up, SNI, Host'),
  address: z.string().nullable(),
  port: z.number().int().nullable(),
  protocol: z.enum(['dns', 'tls', 'http', 'tcp']),
  method: z.string().nullable(),
  bytesUp: z.number().int().nullable(),
  bytesDown: z.number().int().nullable(),
}).meta({ id: 'NetworkLogEntry' })
export type NetworkLogEntry = z.infer<typeof NetworkLogEntry>
