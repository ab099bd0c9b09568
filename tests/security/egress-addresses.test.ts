// SPDX-License-Identifier: Apache-2.0
import { expect } from 'vitest'
import { Attacker } from './attacker.ts'
import { judge } from './outcomes.ts'
import {
  allowing,
  BROKEN,
  egressAttacks,
  program,
  REFUSED,
  STOPPED,
  unexpected,
  useWorld,
  wholeProgram,
} from '../support/network-attack.ts'
import { SERVER } from '../support/network-world.ts'
import { untilOutput } from '../support/until-output.ts'

const ZONE = { 'allowed.example': [{ addresses: ['93.184.215.14', '2606:2800:21f::14'] }] }
const world = useWorld(ZONE)

/** Tries each address on a port where everybody outside would answer. */
const reachEach = (addresses: readonly string[], port = 7777) =>
  `for address in ${JSON.stringify(addresses)}:\n    report(address, reach(address, ${port}))\n`
const each = (labels: readonly string[], outcome: string | readonly string[]) =>
  Object.fromEntries(labels.map((label) => [label, outcome]))
const denied = (name: string, addresses: readonly string[], outcome: readonly string[] = BROKEN) => ({
  name,
  program: reachEach(addresses),
  expect: each(addresses, outcome),
})

egressAttacks(
  'addresses, where only a name is allowed',
  world,
  {
    network: allowing({ action: 'allow', domain: 'allowed.example', ports: ['443', '7777'] }),
    zone: ZONE,
  },
  [
    {
      name: 'the address of an allowed host that was never looked up',
      program: `report("raw", reach("93.184.215.14", 7777)); report("tls", greet("93.184.215.14", 443, hello("allowed.example")))
report("v6", reach("2606:2800:21f::14", 7777))`,
      expect: { raw: BROKEN, tls: BROKEN, v6: BROKEN },
      as: ['user', 'root'],
    },
    {
      name: 'the address of a forbidden host, on many ports',
      program: `for port in (22, 25, 80, 443, 853, 5432, 7777, 8080, 50000):
    report(str(port), fetch("93.184.215.15", port, "93.184.215.15") if port in (80, 8080) else reach("93.184.215.15", port))`,
      expect: {
        ...each(['22', '25', '443', '853', '5432', '7777', '50000'], BROKEN),
        ...each(['80', '8080'], REFUSED),
      },
      as: ['user', 'root'],
    },
    {
      name: 'other ports of an allowed host',
      program: `report("looked up", ask("allowed.example"))
for port in (22, 80, 853, 5432, 8443, 50000):
    report(str(port), fetch("93.184.215.14", 80, "allowed.example") if port == 80 else reach("93.184.215.14", port))
report("allowed port", reach("93.184.215.14", 7777))`,
      expect: {
        'looked up': '93.184.215.14',
        ...each(['22', '853', '5432', '8443', '50000'], BROKEN),
        '80': REFUSED,
        'allowed port': 'ok',
      },
      asks: ['allowed.example'],
      arrives: ['tcp 93.184.215.14 7777'],
    },
    {
      name: 'an allowed host by the other family of addresses, which was not looked up',
      program: `report("v4", ask("allowed.example")); report("raw", reach("2606:2800:21f::14", 7777))
report("v6", ask("allowed.example", 28)); report("now", reach("2606:2800:21f::14", 7777))`,
      expect: { v4: '93.184.215.14', raw: BROKEN, v6: '2606:2800:21f::14', now: 'ok' },
      asks: ['allowed.example'],
      arrives: ['tcp 2606:2800:21f::14 7777'],
    },
  ],
)

const PUBLIC = { network: allowing({ action: 'allow', preset: 'public-internet' }) } as const
egressAttacks('addresses, where the whole internet is allowed', world, PUBLIC, [
  {
    name: 'a public address',
    isControl: true,
    program: reachEach(['8.8.4.4', '2606:4700::1111', '64:ff9b::808:404']),
    expect: each(['8.8.4.4', '2606:4700::1111', '64:ff9b::808:404'], 'ok'),
    arrives: ['tcp 8.8.4.4 7777', 'tcp 2606:4700::1111 7777', 'tcp 64:ff9b::808:404 7777'],
    as: ['user', 'root'],
  },
  denied('private networks', [
    '10.20.0.5',
    '172.16.0.1',
    '192.168.1.1',
    '100.64.0.1',
    'fc00::1',
    'fd12:3456::1',
    'fec0::1',
  ]),
  denied('link-local addresses', ['169.254.1.1', 'fe80::1'], STOPPED),
  denied('metadata services of clouds', [
    '169.254.169.254',
    '169.254.170.2',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
    'fd00:ec2::254',
    'fd20:ce::254',
  ]),
  {
    name: 'the metadata service by HTTP',
    program: `report("by address", fetch("169.254.169.254", 80, "169.254.169.254", "/latest/meta-data/"))
report("by a public name", fetch("169.254.169.254", 80, "allowed.example", "/latest/meta-data/"))
report("by its name", fetch("169.254.169.254", 80, "metadata.google.internal", "/computeMetadata/v1/", more=["Metadata-Flavor: Google"]))`,
    expect: each(['by address', 'by a public name', 'by its name'], REFUSED),
    as: ['user', 'root'],
  },
  denied(
    'the loopback of the host',
    ['127.0.0.1', '127.1.2.3', '127.255.255.254', '::1', '::ffff:127.0.0.1', '::ffff:127.8.8.8'],
    ['ECONNREFUSED', ...BROKEN],
  ),
  denied('the loopback by addresses of nobody', ['0.0.0.0', '::', '::ffff:0.0.0.0', '0.1.2.3'], STOPPED),
  denied(
    'reserved, multicast and broadcast addresses',
    ['240.0.0.1', '255.255.255.255', '224.0.0.1', '192.0.2.1', '198.18.0.1', '2001:db8::1', 'ff02::1', '2001::1'],
    STOPPED,
  ),
  denied('a private address as an IPv4-mapped one', ['::ffff:10.20.0.5', '::ffff:a9fe:a9fe', '::ffff:192.168.1.1']),
  denied('a private address by NAT64', [
    '64:ff9b::10.20.0.5',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b::127.0.0.1',
    '64:ff9b:1::10.20.0.5',
  ]),
  denied('a private address by 6to4', ['2002:a14:5::1', '2002:a9fe:a9fe::1', '2002:7f00:1::1']),
  denied('a private address as an IPv4-compatible one', ['::10.20.0.5', '::a9fe:a9fe', '::127.0.0.1']),
  denied('a private address in decimal, octal, hexadecimal and shortened', [
    '169090600',
    '0xa140005',
    '012.024.0.05',
    '10.1310725',
    '0xa9fea9fe',
    '2852039166',
    '0251.0376.0251.0376',
  ]),
  denied("the addresses of the server's machine", [SERVER.ipv4, SERVER.ipv6, SERVER.publicIpv4, SERVER.publicIpv6]),
  denied("the server's machine by NAT64 and 6to4", ['64:ff9b::93.184.215.200', '2002:5db8:d7c8::1']),
  {
    name: "the server's machine by HTTP, under its own name and others'",
    program: `for host in ("${SERVER.publicIpv4}", "allowed.example", "localhost"):
    report(host, fetch("${SERVER.publicIpv4}", 80, host))`,
    expect: each([SERVER.publicIpv4, 'allowed.example', 'localhost'], REFUSED),
  },
])

egressAttacks(
  'addresses, where all numbers are allowed',
  world,
  {
    network: {
      default: 'allow',
      rules: [
        { action: 'allow', cidr: '0.0.0.0/0' },
        { action: 'allow', cidr: '::/0' },
      ],
    },
  },
  [
    denied('the loopback and nobody, in every form that leads to the relay', [
      '64:ff9b::127.0.0.1',
      '2002:7f00:1::1',
      '::7f00:1',
      '0.1.2.3',
      '64:ff9b::0.0.0.0',
      '64:ff9b::255.255.255.255',
      '64:ff9b::224.0.0.1',
    ]),
    {
      name: 'a private address that is allowed by its number',
      isControl: true,
      program: reachEach(['10.20.0.5', '169.254.169.254', 'fd00:ec2::254']),
      expect: each(['10.20.0.5', '169.254.169.254', 'fd00:ec2::254'], 'ok'),
      arrives: ['tcp 10.20.0.5 7777', 'tcp 169.254.169.254 7777', 'tcp fd00:ec2::254 7777'],
    },
  ],
)

world.test('a listener of another sandbox, on addresses that lead out of this one: fails closed as root', async () => {
  await using neighbour = await world.now.create(PUBLIC)
  await using attacked = await world.now.create(PUBLIC)
  const addresses = ['8.8.4.4', '10.1.2.3', '127.0.0.1']
  await using listener = await neighbour.start(
    wholeProgram(`
servers = [socket.create_server((address, 4444), family=family_of(address)) for address in ${JSON.stringify(addresses)}]
print("listening", flush=True)
def take(server):
    server.accept()
    print("reached", flush=True)
for server in servers:
    threading.Thread(target=take, args=(server,)).start()`),
  )
  await untilOutput(listener, 'listening')
  await world.now.take()
  const ending = await new Attacker(attacked, 'root').runs(program(reachEach(addresses, 4444)))
  const allowed = ['8.8.4.4']
  judge(ending, { ...each(allowed, 'ok'), '10.1.2.3': BROKEN, '127.0.0.1': 'ECONNREFUSED', control: 'ok' })
  const arrivals = await world.now.take()
  expect(unexpected(arrivals, { arrives: allowed.map((address) => `tcp ${address} 4444`) })).toEqual([])
  // Of the neighbour's own listeners none was reached: those who answered are outside.
  for (const address of allowed) expect(arrivals.bytes[`${address} 4444`]).toContain('anybody?')
})
