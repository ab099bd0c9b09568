// SPDX-License-Identifier: Apache-2.0
import * as z from 'zod'

/**
 * Both ends prove that they hold the sandbox's key without sending it, so that a workload can
 * neither speak as the agent nor to it. `proof` is hex(HMAC-SHA256(key, label ‖ epoch ‖ nonces)).
 */
export const HOST_PROOF_LABEL = 'isola-host-v1'
export const AGENT_PROOF_LABEL = 'isola-agent-v1'

const hex32 = z.string().regex(/^[0-9a-f]{64}$/)

export const HostHello = z.object({ generation: z.number().int().positive(), role: z.literal('host'), nonce: hex32 })
export const AgentHello = z.object({
  generation: z.number().int().positive(),
  role: z.literal('agent'),
  nonce: hex32,
  version: z.string().max(64),
  proof: hex32,
})
export type AgentHello = z.infer<typeof AgentHello>
export const HostAuth = z.object({ proof: hex32 })
export const LauncherHello = z.object({
  generation: z.number().int().positive(),
  role: z.literal('launcher'),
  version: z.string().max(64),
  pid: z.number().int().positive(),
})
export type LauncherHello = z.infer<typeof LauncherHello>

export const RelayHello = LauncherHello.extend({ role: z.literal('relay') })

/** The bytes that the proof of `role` is computed over. */
export function proofMessage(
  role: 'host' | 'agent',
  epoch: number,
  hostNonce: Uint8Array,
  agentNonce: Uint8Array,
): Uint8Array {
  const label = new TextEncoder().encode(role === 'host' ? HOST_PROOF_LABEL : AGENT_PROOF_LABEL)
  const own = role === 'host' ? agentNonce : hostNonce
  const other = role === 'host' ? hostNonce : agentNonce
  const message = new Uint8Array(label.length + 4 + own.length + other.length)
  message.set(label, 0)
  new DataView(message.buffer).setUint32(label.length, epoch)
  message.set(own, label.length + 4)
  message.set(other, label.length + 4 + own.length)
  return message
}
