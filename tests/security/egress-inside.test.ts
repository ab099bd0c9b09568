// SPDX-License-Identifier: Apache-2.0
import { describe } from 'vitest'
import { DRIVERS } from '../support/driver-cells.ts'
import {
  allowing,
  type EgressAttack,
  egressAttacks,
  NOBODY,
  REFUSED,
  STOPPED,
  useWorld,
} from '../support/network-attack.ts'

const HERE = '93.184.215.14'
const ELSEWHERE = '93.184.215.15'
const ZONE = { 'allowed.example': [{ addresses: [HERE] }] }
const BOTH = ['user', 'root'] as const
const each = (labels: readonly string[], outcome: string | readonly string[]) =>
  Object.fromEntries(labels.map((label) => [label, outcome]))
const UNSUPPORTED = [
  'EPERM',
  'EACCES',
  'ENOSYS',
  'EAFNOSUPPORT',
  'EPROTONOSUPPORT',
  'ESOCKTNOSUPPORT',
  'ENOPROTOOPT',
  'EINVAL',
]
const UNWRITABLE = ['EROFS', 'EACCES', 'EPERM', 'ENOENT']

/** Behind whatever was done to the network inside, a forbidden host is still not reached. */
const harm = (attack: EgressAttack): EgressAttack => ({
  as: BOTH,
  ...attack,
  program: `${attack.program}\nreport("forbidden", reach("${ELSEWHERE}", 7777)); report("metadata", fetch("169.254.169.254", 80, "169.254.169.254")); report("host", reach("10.99.0.1", 7777))`,
  expect: { ...attack.expect, forbidden: STOPPED, metadata: [...REFUSED, ...STOPPED], host: STOPPED },
})

const NETLINK = `
def netlink(protocol, kind, body, flags=0x405):
    def action():
        with socket.socket(16, 3, protocol) as link:
            link.settimeout(PATIENCE)
            link.bind((0, 0))
            link.send(struct.pack("<IHHII", 16 + len(body), kind, flags, 1, 0) + body)
            code = struct.unpack_from("<i", link.recv(4096), 16)[0]
            if code:
                raise OSError(-code, "netlink")
    return attempt(action)
def attribute(kind, value):
    return struct.pack("<HH", 4 + len(value), kind) + value + b"\\0" * (-len(value) % 4)
def route(table, kind, scope=254, target=b"", bits=0, more=b""):
    return struct.pack("<BBBBBBBBI", 2, bits, 0, 0, table, 3, scope, kind, 0) + (attribute(1, target) if target else b"") + attribute(4, struct.pack("<i", 1)) + more
`
const PORTS = `
def listening():
    found = []
    for family in ("", "6"):
        for line in open("/proc/net/tcp" + family).read().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":
                found.append(("::1" if family else "127.0.0.1", int(fields[1].split(":")[1], 16)))
    return found
ports = listening()
`

const ATTACKS: readonly EgressAttack[] = [
  {
    name: 'QUIC and other datagrams, to allowed and forbidden places',
    as: BOTH,
    program: `ask("allowed.example")
for address, port in (("${HERE}", 443), ("${ELSEWHERE}", 443), ("93.184.215.99", 7777), ("8.8.8.8", 123), ("10.99.0.1", 7777), ("198.18.0.53", 54), ("198.18.0.54", 53), ("2606:2800:21f::14", 443)):
    report("%s %d" % (address, port), datagram(address, port))`,
    expect: each(
      [
        `${HERE} 443`,
        `${ELSEWHERE} 443`,
        '93.184.215.99 7777',
        '8.8.8.8 123',
        '10.99.0.1 7777',
        '198.18.0.53 54',
        '198.18.0.54 53',
        '2606:2800:21f::14 443',
      ],
      NOBODY,
    ),
    asks: ['allowed.example'],
  },
  {
    name: 'datagrams to everybody: broadcast and multicast',
    as: BOTH,
    program: `def send(address, port):
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        client.sendto(b"x", (address, port))
for address in ("255.255.255.255", "224.0.0.251", "239.255.255.250", "10.99.0.3"):
    report(address, attempt(lambda: send(address, 5353)))
report("ff02::fb", attempt(lambda: send("ff02::fb", 5353)))`,
    // Whether the kernel takes them does not matter: they come back to the sandbox itself.
    expect: each(['255.255.255.255', '224.0.0.251', '239.255.255.250', '10.99.0.3', 'ff02::fb'], ['ok', ...NOBODY]),
  },
  {
    name: 'raw sockets, ping sockets, SCTP, DCCP, packets and machines beside the network',
    as: BOTH,
    program: `for label, arguments in {"icmp": (2, 3, 1), "icmp6": (10, 3, 58), "raw": (2, 3, 255), "raw tcp": (2, 3, 6), "sctp": (2, 1, 132), "sctp 5": (2, 5, 132), "dccp": (2, 6, 33), "packet": (17, 3, 3), "packet cooked": (17, 2, 3), "vsock": (40, 1, 0), "xdp": (44, 3, 0), "l2tp": (2, 2, 115), "gre": (2, 3, 47)}.items():
    report(label, attempt(lambda: socket.socket(*arguments).close()))
def ping():
    with socket.socket(2, 2, 1) as client:
        client.sendto(b"\\x08\\0\\0\\0\\0\\0\\0\\0", ("${HERE}", 0))
report("ping", attempt(ping))`,
    expect: {
      ...each(
        [
          'icmp',
          'icmp6',
          'raw',
          'raw tcp',
          'sctp',
          'sctp 5',
          'dccp',
          'packet',
          'packet cooked',
          'vsock',
          'xdp',
          'l2tp',
          'gre',
        ],
        UNSUPPORTED,
      ),
      ping: ['ok', ...UNSUPPORTED],
    },
  },
  {
    name: 'multipath TCP, fast open, urgent data and options that change the way',
    as: BOTH,
    program: `def by(protocol=0, options=(), flags=0):
    with socket.socket(2, 1, protocol) as client:
        client.settimeout(PATIENCE)
        for option in options:
            client.setsockopt(*option)
        if flags:
            client.settimeout(None)
            client.sendto(b"fast\\r\\n", flags, ("${ELSEWHERE}", 7777))
        else:
            client.connect(("${ELSEWHERE}", 7777))
            client.send(b"x", socket.MSG_OOB); client.sendall(b"x\\r\\n")
        return heard(client)
report("multipath", tried(lambda: by(262))); report("fast open", tried(lambda: by(flags=0x20000000)))
report("fast connect", tried(lambda: by(options=[(6, 30, 1)]))); report("device", tried(lambda: by(options=[(1, 25, b"lo\\0")])))
report("source route", tried(lambda: by(options=[(0, 4, b"\\x83\\x07\\x04" + socket.inet_aton("${ELSEWHERE}") + b"\\0")])))
report("ttl", tried(lambda: by(options=[(0, 2, 64), (0, 1, 0xb8)])))`,
    expect: each(
      ['multipath', 'fast open', 'fast connect', 'device', 'source route', 'ttl'],
      [...STOPPED, ...UNSUPPORTED],
    ),
  },
  {
    name: 'marks and transparent sockets',
    as: BOTH,
    program: `any_socket = socket.socket(); any6 = socket.socket(socket.AF_INET6)
report("transparent", attempt(lambda: any_socket.setsockopt(0, 19, 1))); report("transparent v6", attempt(lambda: any6.setsockopt(41, 75, 1)))
report("mark", attempt(lambda: any_socket.setsockopt(1, 36, 1))); report("recverr", attempt(lambda: any_socket.setsockopt(0, 11, 1)))`,
    expect: { transparent: 'EPERM', 'transparent v6': 'EPERM', mark: 'EPERM', recverr: 'ok' },
  },
  {
    name: 'sources that are not its own',
    as: BOTH,
    program: `def from_source(source, to):
    with socket.socket(family_of(to), 1) as client:
        client.settimeout(PATIENCE)
        client.setsockopt(0, 15, 1)
        client.bind((source, 0)); client.connect((to, 7777)); client.sendall(b"x\\r\\n")
        return heard(client)
for source in ("127.0.0.1", "10.99.0.2", "${HERE}", "198.18.0.53", "169.254.169.254"):
    report(source, tried(lambda: from_source(source, "${ELSEWHERE}")))`,
    expect: each(['127.0.0.1', '10.99.0.2', HERE, '198.18.0.53', '169.254.169.254'], STOPPED),
  },
  {
    name: "abstract unix sockets of the server's machine",
    as: BOTH,
    program: `def unix(name):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(name)
for name in ("\\0target-http", "\\0target-echo", "\\0target-tls"):
    report(name[1:], attempt(lambda: unix(name)))`,
    expect: each(['target-http', 'target-echo', 'target-tls'], 'ECONNREFUSED'),
  },
  {
    name: "the relay's own ports on the loopback",
    as: BOTH,
    program: `${PORTS}
report("found", "ok" if ports else "none")
met = set()
for address, port in ports:
    for payload in (b"x\\r\\n", head("allowed.example"), hello("allowed.example")):
        met.add(tried(lambda: greet(address, port, payload)))
    for other in ("127.0.0.2", "::1", "127.255.255.254"):
        met.add(reach(other, port))
report("met", " ".join(sorted(met - {"ECONNREFUSED", "ECONNRESET", "EPIPE", "closed"})) or "refused")`,
    expect: { found: 'ok', met: 'refused' },
  },
  harm({
    name: "taking the relay's ports and the resolver's",
    program: `${PORTS}
held = []
def take(family, kind, place, options):
    taken = socket.socket(family, kind)
    for option in options:
        taken.setsockopt(*option)
    taken.bind(place)
    held.append(taken)
    if kind == 1:
        taken.listen()
REUSE = [(1, 2, 1), (1, 15, 1), (0, 15, 1)]
met = {attempt(lambda: take(family_of(address), 1, (address, port), options)) for address, port in ports for options in ([], REUSE)}
report("the same place", "refused" if met <= {"EADDRINUSE", "EACCES", "EPERM"} else " ".join(met))
report("resolver", attempt(lambda: take(2, 2, ("198.18.0.53", 53), REUSE))); report("resolver everywhere", attempt(lambda: take(2, 2, ("0.0.0.0", 53), REUSE)))
report("resolver v6", attempt(lambda: take(10, 2, ("::", 53), REUSE + [(41, 26, 0)])))
for address, port in ports:
    attempt(lambda: take(2, 1, ("0.0.0.0", port), REUSE)); attempt(lambda: take(10, 1, ("::", port), REUSE))
for port in (443, 7777, 50000):
    attempt(lambda: take(2, 1, ("0.0.0.0", port), REUSE)); attempt(lambda: take(2, 1, ("${ELSEWHERE}", port), REUSE))
report("still ours", ask("allowed.example"))`,
    expect: {
      'the same place': 'refused',
      ...each(['resolver', 'resolver everywhere', 'resolver v6'], ['EADDRINUSE', 'EACCES', 'EPERM']),
      'still ours': HERE,
    },
    asks: ['allowed.example'],
  }),
  harm({
    name: 'other routes, addresses and rules',
    program: `${NETLINK}
report("address", netlink(0, 20, struct.pack("<BBBBI", 2, 32, 0, 0, 1) + attribute(2, socket.inet_aton("10.9.8.7"))))
report("no address", netlink(0, 21, struct.pack("<BBBBI", 2, 8, 0, 0, 1) + attribute(2, socket.inet_aton("127.0.0.1")), 5))
report("route", netlink(0, 24, route(254, 1, 253))); report("no route", netlink(0, 25, route(255, 2), 5))
report("own route", netlink(0, 24, route(255, 2, 254, socket.inet_aton("${ELSEWHERE}"), 32)))
report("rule", netlink(0, 32, struct.pack("<BBBBBBBBI", 2, 0, 0, 0, 254, 0, 0, 1, 0))); report("no rule", netlink(0, 33, struct.pack("<BBBBBBBBI", 2, 0, 0, 0, 255, 0, 0, 1, 0), 5))
report("link down", netlink(0, 16, struct.pack("<BBHiII", 0, 0, 0, 1, 0, 1))); report("new link", netlink(0, 16, struct.pack("<BBHiII", 0, 0, 0, 0, 0, 0) + attribute(3, b"veth9\\0") + attribute(18, attribute(1, b"dummy\\0")), 0x605))
report("out of the namespace", netlink(0, 16, struct.pack("<BBHiII", 0, 0, 0, 1, 0, 0) + attribute(19, struct.pack("<I", 1))))
report("neighbour", netlink(0, 28, struct.pack("<BxxxiHBB", 2, 1, 128, 0, 0) + attribute(1, socket.inet_aton("10.99.0.2"))))`,
    expect: each(
      [
        'address',
        'no address',
        'route',
        'no route',
        'own route',
        'rule',
        'no rule',
        'link down',
        'new link',
        'out of the namespace',
        'neighbour',
      ],
      UNSUPPORTED,
    ),
  }),
  harm({
    name: "deleting the table that redirects, by nftables' and iptables' own ways",
    program: `${NETLINK}
for label, protocol in {"netfilter": 12, "xfrm": 6, "generic": 16, "diagnostics": 4}.items():
    report(label, attempt(lambda: socket.socket(16, 3, protocol).close()))
report("through another family", netlink(0, 10 << 8 | 2, b"\\2\\0\\0\\0" + attribute(1, b"isola\\0")))
any_socket = socket.socket()
report("iptables", attempt(lambda: any_socket.setsockopt(0, 64, b"\\0" * 92))); report("arptables", attempt(lambda: any_socket.setsockopt(0, 96, b"\\0" * 92)))
import shutil, subprocess
tools = [tool for tool in ("nft delete table ip isola", "nft flush ruleset", "iptables -F", "iptables-legacy -t mangle -F", "ip route flush table local", "ip link set lo down", "ip addr flush dev lo") if shutil.which(tool.split()[0])]
report("programs", " ".join(tool for tool in tools if subprocess.run(tool.split(), capture_output=True).returncode == 0) or "none")`,
    expect: {
      ...each(
        ['netfilter', 'xfrm', 'generic', 'diagnostics', 'through another family', 'iptables', 'arptables'],
        [...UNSUPPORTED, 'ENOTSUP'],
      ),
      programs: 'none',
    },
  }),
  harm({
    name: 'settings of the network',
    program: `for path in ("net/ipv4/ip_forward", "net/ipv4/conf/all/route_localnet", "net/ipv4/conf/lo/accept_local", "net/ipv4/ip_unprivileged_port_start", "net/ipv4/ping_group_range", "net/ipv4/ip_nonlocal_bind", "net/ipv6/conf/all/disable_ipv6", "net/ipv4/tcp_fwmark_accept", "net/netfilter/nf_log_all_netns"):
    report(path, write_file("/proc/sys/" + path, b"1"))
def interface_down():
    import fcntl
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 0))
report("down", attempt(interface_down))`,
    expect: {
      ...each(
        [
          'net/ipv4/ip_forward',
          'net/ipv4/conf/all/route_localnet',
          'net/ipv4/conf/lo/accept_local',
          'net/ipv4/ip_unprivileged_port_start',
          'net/ipv4/ping_group_range',
          'net/ipv4/ip_nonlocal_bind',
          'net/ipv6/conf/all/disable_ipv6',
          'net/ipv4/tcp_fwmark_accept',
          'net/netfilter/nf_log_all_netns',
        ],
        UNWRITABLE,
      ),
      down: UNSUPPORTED,
    },
  }),
  harm({
    name: 'another network: a new one, and those of other processes',
    program: `report("new", in_child(lambda: checked("unshare", CLONE["NEWNET"]))); report("new with users", in_child(lambda: checked("unshare", CLONE["NEWUSER"] | CLONE["NEWNET"])))
def enter(path):
    checked("setns", os.open(path, os.O_RDONLY), CLONE["NEWNET"])
for path in ("/proc/1/ns/net", "/proc/self/ns/net", "/proc/thread-self/ns/net", "/run/netns/host"):
    report(path, in_child(lambda: enter(path)))
report("by a process", in_child(lambda: checked("setns", checked("pidfd_open", 1, 0), CLONE["NEWNET"])))
report("link out", "one" if len({os.stat("/proc/%s/ns/net" % pid).st_ino for pid in os.listdir("/proc") if pid.isdigit() and os.access("/proc/%s/ns/net" % pid, os.R_OK)}) <= 1 else "several")`,
    expect: {
      ...each(
        [
          'new',
          'new with users',
          '/proc/1/ns/net',
          '/proc/self/ns/net',
          '/proc/thread-self/ns/net',
          '/run/netns/host',
          'by a process',
        ],
        [...UNSUPPORTED, 'ENOENT', 'signal 31'],
      ),
      'link out': 'one',
    },
  }),
]

for (const driver of DRIVERS)
  describe(driver, () => {
    const network = allowing({ action: 'allow', domain: 'allowed.example' })
    egressAttacks('the way out, seen from inside', useWorld(ZONE, driver), { network, zone: ZONE }, ATTACKS)
  })
