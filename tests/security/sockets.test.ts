// SPDX-License-Identifier: Apache-2.0
import { attacks, JAIL, REFUSED } from './attack.ts'

const UNSUPPORTED = [...REFUSED, 'EAFNOSUPPORT', 'EPROTONOSUPPORT', 'ESOCKTNOSUPPORT', 'EACCES'] as const
const each = (labels: readonly string[], outcome: string | readonly string[]) =>
  Object.fromEntries(labels.map((label) => [label, outcome]))
const FAMILIES = {
  packet: [17, 3, 3],
  vsock: [40, 1, 0],
  alg: [38, 5, 0],
  xdp: [44, 3, 0],
  key: [15, 3, 2],
  bluetooth: [31, 5, 0],
  can: [29, 3, 1],
  tipc: [30, 5, 0],
  rds: [21, 5, 0],
  kcm: [41, 2, 0],
  smc: [43, 1, 0],
}
const NETLINK = {
  usersock: 2,
  firewall: 3,
  diagnostics: 4,
  xfrm: 6,
  selinux: 7,
  iscsi: 8,
  audit: 9,
  connector: 11,
  netfilter: 12,
  uevent: 15,
  generic: 16,
  crypto: 21,
}

attacks('sockets', [
  {
    name: 'raw sockets',
    program: `
for label, family, protocol in [("icmp", 2, 1), ("tcp", 2, 6), ("any", 2, 255), ("icmp6", 10, 58)]:
    report(label, attempt(lambda: socket.socket(family, 3, protocol).close()))
report("tcp stream", attempt(lambda: socket.socket(2, 1, 0).close()))
report("udp", attempt(lambda: socket.socket(2, 2, 0).close()))
`,
    expect: { ...each(['icmp', 'tcp', 'any', 'icmp6'], UNSUPPORTED), 'tcp stream': 'ok', udp: 'ok' },
    control: {
      within: JAIL,
      expect: { ...each(['icmp', 'tcp', 'any', 'icmp6'], 'ok'), 'tcp stream': 'ok', udp: 'ok' },
    },
  },
  {
    name: 'families of sockets that nobody needs inside',
    program: `
for label, (family, kind, protocol) in ${JSON.stringify(FAMILIES)}.items():
    report(label, attempt(lambda: socket.socket(family, kind, protocol).close()))
report("unix", attempt(lambda: socket.socketpair()))
report("inet6", attempt(lambda: socket.socket(10, 1, 0).close()))
`,
    expect: { ...each(Object.keys(FAMILIES), UNSUPPORTED), unix: 'ok', inet6: 'ok' },
    control: {
      within: JAIL,
      expect: { ...each(Object.keys(FAMILIES), ['ok', ...UNSUPPORTED]), packet: 'ok', unix: 'ok', inet6: 'ok' },
    },
  },
  {
    name: 'socketpair() of a family that socket() refuses',
    program: `
def pair(family, kind):
    checked({"x86_64": 53, "aarch64": 199}[platform.machine()], family, kind, 0, ctypes.create_string_buffer(8))
report("vsock", in_child(lambda: pair(40, 1)))
report("netlink", in_child(lambda: pair(16, 3)))
report("unix", in_child(lambda: pair(1, 1)))
`,
    expect: { vsock: [...UNSUPPORTED, 'ENOTSUP'], netlink: [...UNSUPPORTED, 'ENOTSUP'], unix: 'ok' },
  },
  {
    name: 'netlink beyond looking at addresses and routes',
    program: `
for label, protocol in ${JSON.stringify(NETLINK)}.items():
    report(label, attempt(lambda: socket.socket(16, 3, protocol).close()))
`,
    expect: each(Object.keys(NETLINK), UNSUPPORTED),
    control: {
      within: JAIL,
      expect: {
        ...each(Object.keys(NETLINK), ['ok', ...UNSUPPORTED]),
        generic: 'ok',
        diagnostics: ['ok', ...UNSUPPORTED],
        uevent: 'ok',
      },
    },
  },
  {
    name: 'adding addresses, routes and interfaces',
    program: `
def netlink(kind, body):
    def action():
        with socket.socket(16, 3, 0) as route:
            route.bind((0, 0))
            route.send(struct.pack("<IHHII", 16 + len(body), kind, 0x405, 1, 0) + body)
            answer = route.recv(4096)
            code = struct.unpack_from("<i", answer, 16)[0]
            if code:
                raise OSError(-code, "netlink")
    return attempt(action)
NEWLINK, NEWADDR, NEWROUTE = 16, 20, 24
report("route", netlink(NEWROUTE, struct.pack("<BBBBBBBBI", 2, 0, 0, 0, 254, 3, 253, 2, 0) + struct.pack("<HHi", 8, 4, 1)))
report("address", netlink(NEWADDR, struct.pack("<BBBBI", 2, 32, 0, 0, 1) + struct.pack("<HH4s", 8, 2, bytes([10, 9, 8, 7]))))
report("interface down", netlink(NEWLINK, struct.pack("<BBHiII", 0, 0, 0, 1, 0, 1)))
import fcntl
def by_ioctl():
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 0))
report("interface down by ioctl", attempt(by_ioctl))
def only_loopback():
    names = [name for _, name in socket.if_nameindex()]
    if names != ["lo"]:
        raise OSError(errno.EEXIST, " ".join(names))
report("only loopback", attempt(only_loopback) if attempt(socket.if_nameindex) == "ok" else "ok")
`,
    expect: {
      ...each(['route', 'address', 'interface down', 'interface down by ioctl'], [...UNSUPPORTED]),
      'only loopback': 'ok',
    },
    control: {
      within: [...JAIL, 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'],
      expect: {
        route: ['ok', 'EINVAL'],
        address: 'ok',
        'interface down': 'ok',
        'interface down by ioctl': 'ok',
        'only loopback': ['ok', 'EEXIST'],
      },
    },
  },
  {
    name: 'marking, binding and tapping packets',
    program: `
any_socket = socket.socket()
MARK, BINDTODEVICE, TRANSPARENT, ATTACH_FILTER, PRIORITY = 36, 25, 19, 26, 12
report("mark", attempt(lambda: any_socket.setsockopt(1, MARK, 1)))
report("force buffer", attempt(lambda: any_socket.setsockopt(1, 33, 1 << 20)))
report("transparent", attempt(lambda: any_socket.setsockopt(0, TRANSPARENT, 1)))
report("priority", attempt(lambda: any_socket.setsockopt(1, PRIORITY, 7)))
report("reuse", attempt(lambda: any_socket.setsockopt(1, 2, 1)))
`,
    expect: { mark: 'EPERM', 'force buffer': 'EPERM', transparent: 'EPERM', priority: 'EPERM', reuse: 'ok' },
    control: {
      within: JAIL,
      expect: { mark: 'ok', 'force buffer': 'ok', transparent: 'ok', priority: 'ok', reuse: 'ok' },
    },
  },
])
