// SPDX-License-Identifier: Apache-2.0
import { readlinkSync } from 'node:fs'
import type { NetworkStation } from './network-station.ts'
import { onHostChecked } from './on-host.ts'

/** Addresses of the server's machine in its world: those of its cable, and public ones. */
export const SERVER = {
  ipv4: '10.99.0.1',
  ipv6: 'fd99::1',
  publicIpv4: '93.184.215.200',
  publicIpv6: '2606:2800:21f::200',
} as const
const GATEWAY = { ipv4: '10.99.0.2', ipv6: 'fd99::2' }

/**
 * Joins both by a cable. To the internet's side every address there is is its own; all that the server's side sends
 * goes there. Refuses to touch the network of whoever runs the tests.
 */
export async function joinStations(internet: NetworkStation, host: NetworkStation): Promise<void> {
  const own = readlinkSync('/proc/self/ns/net')
  for (const { pid } of [internet, host])
    if (readlinkSync(`/proc/${pid}/ns/net`) === own) throw new Error('the stations have no network of their own')
  await ip(internet, `link add internet type veth peer name uplink netns ${host.pid}`)
  await ip(
    internet,
    [
      'link set lo up',
      `addr add ${GATEWAY.ipv4}/30 dev internet`,
      `addr add ${GATEWAY.ipv6}/64 dev internet nodad`,
      'link set internet up',
      `route add ${SERVER.ipv4}/32 dev internet table local`,
      `route add ${SERVER.ipv6}/128 dev internet table local`,
      'route add local default dev lo table local',
      'route add local ::/0 dev lo table local',
    ].join('\n'),
  )
  await ip(
    host,
    [
      'link set lo up',
      `addr add ${SERVER.ipv4}/30 dev uplink`,
      `addr add ${SERVER.ipv6}/64 dev uplink nodad`,
      'link set uplink up',
      `addr add ${SERVER.publicIpv4}/32 dev lo`,
      `addr add ${SERVER.publicIpv6}/128 dev lo nodad`,
      `route add default via ${GATEWAY.ipv4}`,
      `route add ::/0 via ${GATEWAY.ipv6}`,
    ].join('\n'),
  )
}

function ip(station: NetworkStation, commands: string): Promise<string> {
  return onHostChecked([...station.within, 'ip', '-batch', '-'], { input: `${commands}\n` })
}
