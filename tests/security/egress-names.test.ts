// SPDX-License-Identifier: Apache-2.0
import { expect } from 'vitest'
import { allowing, BROKEN, egressAttacks, logOf, NOBODY, REFUSED, useWorld } from '../support/network-attack.ts'

const PUBLIC = '93.184.215.14'
const OTHER = '93.184.215.15'
const PRIVATE = '10.20.0.5'
const METADATA = '169.254.169.254'
const at = (...addresses: string[]) => ({ addresses })
const ZONE = {
  'allowed.example': [at(PUBLIC, '2606:2800:21f::14')],
  'deep.below.wild.example': [at(PUBLIC)],
  'forbidden.example': [at(OTHER)],
  'rebinds.example': [at(PUBLIC), at(METADATA)],
  'moves.example': [at(PUBLIC), at(OTHER)],
  'private.example': [at(PRIVATE)],
  'mixed.example': [at(PRIVATE, PUBLIC, METADATA)],
  'loops.example': [at('127.0.0.1', '0.0.0.0')],
  'loops6.example': [at('::1', '::', '64:ff9b::a9fe:a9fe', '2002:a14:5::1', 'fe80::1', 'fd00:ec2::254')],
  'host.example': [at('93.184.215.200', '10.99.0.1')],
}
const world = useWorld(ZONE)
const DOMAINS = ['allowed', 'rebinds', 'moves', 'private', 'mixed', 'loops', 'loops6', 'host'].map(
  (name) => ({ action: 'allow', domain: `${name}.example` }) as const,
)
const SCENE = {
  network: allowing(...DOMAINS, { action: 'allow', domain: '*.wild.example' }),
  zone: ZONE,
}
const each = (labels: readonly string[], outcome: string | readonly string[]) =>
  Object.fromEntries(labels.map((label) => [label, outcome]))

egressAttacks('names', world, SCENE, [
  {
    name: 'an allowed name',
    isControl: true,
    as: ['user', 'root'],
    program: `report("name", ask("allowed.example")); report("v6", ask("allowed.example", 28))
report("by stream", ask("allowed.example", stream=True)); report("below", ask("deep.below.wild.example"))
report("connection", reach("${PUBLIC}", 7777)); report("v6 connection", reach("2606:2800:21f::14", 7777))`,
    expect: {
      ...each(['name', 'by stream', 'below'], PUBLIC),
      v6: '2606:2800:21f::14',
      ...each(['connection', 'v6 connection'], 'ok'),
    },
    arrives: [`tcp ${PUBLIC} 7777`, 'tcp 2606:2800:21f::14 7777'],
    asks: ['allowed.example', 'deep.below.wild.example'],
  },
  {
    name: 'an allowed name as programs look it up',
    isControl: true,
    as: ['user', 'root'],
    program: `def by_name():
    with socket.create_connection((socket.gethostbyname("allowed.example"), 7777), PATIENCE) as client:
        client.sendall(b"by name\\r\\n")
        return heard(client)
report("connection", tried(by_name))`,
    expect: { connection: 'ok' },
    arrives: [`tcp ${PUBLIC} 7777`],
    asks: ['allowed.example'],
  },
  {
    name: 'names that are not allowed, in many spellings',
    as: ['user', 'root'],
    program: `for name in ("forbidden.example", "FORBIDDEN.example", "forbidden.example.", "allowed.example.evil.test", "xallowed.example", "sub.allowed.example", "wild.example", "example", "allowed-example"):
    report(name, ask(name))
report("v6", ask("forbidden.example", 28)); report("stream", ask("forbidden.example", stream=True))`,
    expect: each(
      [
        'forbidden.example',
        'FORBIDDEN.example',
        'forbidden.example.',
        'allowed.example.evil.test',
        'xallowed.example',
        'sub.allowed.example',
        'wild.example',
        'example',
        'allowed-example',
        'v6',
        'stream',
      ],
      'REFUSED',
    ),
  },
  {
    name: 'data in labels of a forbidden name',
    program: `met = set()
for index in range(60):
    met.add(ask("%s.%s.forbidden.example" % (os.urandom(30).hex(), os.urandom(15).hex())))
report("all", " ".join(sorted(met)))
report("longest", ask_raw(question("", labels=[b"a" * 63] * 3 + [b"b" * 60])))`,
    expect: { all: 'REFUSED', longest: 'REFUSED' },
  },
  {
    name: 'data in other types of records, of an allowed name and of a forbidden one',
    program: `for kind in (2, 5, 6, 10, 12, 15, 16, 33, 35, 64, 65, 99, 250, 251, 252, 255, 65280):
    report("allowed %d" % kind, ask("allowed.example", kind)); report("forbidden %d" % kind, ask("data.forbidden.example", kind))`,
    expect: Object.fromEntries(
      [2, 5, 6, 10, 12, 15, 16, 33, 35, 64, 65, 99, 250, 251, 252, 255, 65280].flatMap((kind) => [
        [`allowed ${kind}`, ['EMPTY', 'REFUSED', 'NOTIMP', 'FORMERR']],
        [`forbidden ${kind}`, ['REFUSED', 'NOTIMP', 'FORMERR']],
      ]),
    ),
  },
  {
    name: 'a dot within a label, control characters and bytes that are no text',
    program: `for label, labels in {"dot": [b"allowed.example"], "dot below": [b"evil.wild", b"example"], "null": [b"allowed\\0", b"example"], "escape": [b"\\x1b[31mred", b"wild", b"example"], "high": [b"\\xff\\xfe", b"wild", b"example"], "kelvin": ["allow\\u212aed".encode(), b"example"], "space": [b"a b", b"wild", b"example"], "root": []}.items():
    report(label, ask_raw(question("", labels=labels)))`,
    expect: each(['dot', 'dot below', 'null', 'escape', 'high', 'kelvin', 'space', 'root'], ['REFUSED', 'FORMERR']),
    async check(_, sandbox) {
      const entries = await logOf(sandbox)
      expect(entries.some(({ kind, verdict }) => kind === 'name' && verdict === 'deny')).toBe(true)
      for (const { host } of entries) expect(host ?? '').not.toMatch(/\p{Cc}/u)
    },
  },
  {
    name: 'several questions, compressed names, answers and rubbish',
    program: `two = question("allowed.example"); body = question("data.forbidden.example")[12:]
two = two[:4] + b"\\0\\2" + two[6:] + body
pointer = question("x")[:12] + b"\\x01x\\xc0\\x0c" + struct.pack(">HH", 1, 1)
loop = question("x")[:12] + b"\\xc0\\x0c" + struct.pack(">HH", 1, 1)
for label, message in {"two": two, "pointer": pointer, "loop": loop, "update": question("allowed.example", flags=0x2800), "cut": question("allowed.example")[:-3]}.items():
    report(label, ask_raw(message))
def silent(message):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.3)
        client.connect((RESOLVER, 53)); client.send(message)
        return "answered" if client.recv(4096) else "empty"
report("an answer", tried(lambda: silent(question("allowed.example", flags=0x8180))))
report("half a header", tried(lambda: silent(b"\\1\\2\\3")))`,
    expect: {
      ...each(['two', 'pointer', 'loop', 'cut'], 'FORMERR'),
      update: 'NOTIMP',
      'an answer': 'timeout',
      'half a header': 'timeout',
    },
  },
  {
    name: 'names of the machine itself and those that nobody may be asked for',
    program: `for name in ("localhost", "a.localhost", "x.onion", "y.invalid"):
    report(name, ask(name))`,
    expect: {
      ...each(['localhost', 'a.localhost'], ['127.0.0.1', 'REFUSED']),
      ...each(['x.onion', 'y.invalid'], ['NXDOMAIN', 'REFUSED']),
    },
  },
  {
    name: 'another resolver by UDP',
    as: ['user', 'root'],
    program: `for server in ("8.8.8.8", "93.184.215.53", "10.99.0.2", "2606:4700::1111", "127.0.0.1", "169.254.169.253"):
    report(server, datagram(server, 53, question("data.forbidden.example")))`,
    expect: each(['8.8.8.8', '93.184.215.53', '10.99.0.2', '2606:4700::1111', '127.0.0.1', '169.254.169.253'], NOBODY),
  },
  {
    name: 'another resolver by TCP: our own answers in its place',
    program: `for server in ("8.8.8.8", "93.184.215.53", "2606:4700::1111"):
    report("forbidden at " + server, ask("data.forbidden.example", server=server, stream=True))
    report("allowed at " + server, ask("allowed.example", server=server, stream=True))`,
    expect: {
      ...each(
        ['forbidden at 8.8.8.8', 'forbidden at 93.184.215.53', 'forbidden at 2606:4700::1111'],
        ['REFUSED', ...BROKEN],
      ),
      ...each(['allowed at 8.8.8.8', 'allowed at 93.184.215.53', 'allowed at 2606:4700::1111'], [PUBLIC, ...BROKEN]),
    },
    asks: ['allowed.example'],
  },
  {
    name: 'other protocols behind port 53 by TCP',
    program: `def tunnel(payload):
    with dial("${OTHER}", 53) as client:
        client.sendall(payload)
        return heard(client)
for label, payload in {"raw": b"SSH-2.0-tunnel\\r\\n" + b"x" * 8000, "tls": hello("allowed.example") + b"x" * 6000, "huge": b"\\xff\\xff" + b"y" * 65535}.items():
    report(label, tried(lambda: tunnel(payload)))`,
    // What comes back may be our resolver's, which found no question in it: nothing arrives.
    expect: each(['raw', 'tls', 'huge'], ['ok', ...BROKEN]),
  },
  {
    name: 'DNS over TLS and over HTTPS',
    program: `for server in ("8.8.8.8", "1.1.1.1", "93.184.215.53"):
    report("tls " + server, greet(server, 853, hello("dns.google"))); report("https " + server, greet(server, 443, hello("dns.google")))
    report("unnamed " + server, greet(server, 853, hello(None)))
report("http", fetch("8.8.8.8", 80, "dns.google", "/dns-query?dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB"))`,
    expect: {
      ...each(
        ['8.8.8.8', '1.1.1.1', '93.184.215.53'].flatMap((server) => [
          `tls ${server}`,
          `https ${server}`,
          `unnamed ${server}`,
        ]),
        BROKEN,
      ),
      http: REFUSED,
    },
  },
])

egressAttacks('names that point elsewhere', world, SCENE, [
  {
    name: 'a name that answers a public address first and then the metadata service',
    program: `report("first", ask("rebinds.example")); report("second", ask("rebinds.example")); report("third", ask("rebinds.example"))
report("metadata", reach("${METADATA}", 7777)); report("by name", fetch("${METADATA}", 80, "rebinds.example")); report("tls", greet("${METADATA}", 443, hello("rebinds.example")))
report("public", reach("${PUBLIC}", 7777))`,
    expect: {
      first: PUBLIC,
      second: 'REFUSED',
      third: 'REFUSED',
      metadata: BROKEN,
      'by name': REFUSED,
      tls: BROKEN,
      public: 'ok',
    },
    asks: ['rebinds.example'],
    arrives: [`tcp ${PUBLIC} 7777`],
  },
  {
    name: 'a name that has moved to another public address: only what was answered counts',
    program: `report("before", reach("${OTHER}", 7777)); report("first", ask("moves.example")); report("not yet", reach("${OTHER}", 7777))
report("second", ask("moves.example")); report("now", reach("${OTHER}", 7777))`,
    expect: { before: BROKEN, first: PUBLIC, 'not yet': BROKEN, second: OTHER, now: 'ok' },
    asks: ['moves.example'],
    arrives: [`tcp ${OTHER} 7777`],
  },
  {
    name: 'a name that answers a private address',
    program: `report("name", ask("private.example")); report("raw", reach("${PRIVATE}", 7777)); report("http", fetch("${PRIVATE}", 80, "private.example")); report("tls", greet("${PRIVATE}", 443, hello("private.example")))`,
    expect: { name: 'REFUSED', raw: BROKEN, http: REFUSED, tls: BROKEN },
    asks: ['private.example'],
    as: ['user', 'root'],
  },
  {
    name: 'a name with a public address among private ones',
    program: `report("name", ask("mixed.example")); report("private", reach("${PRIVATE}", 7777)); report("metadata", reach("${METADATA}", 7777)); report("public", reach("${PUBLIC}", 7777))`,
    expect: { name: PUBLIC, private: BROKEN, metadata: BROKEN, public: 'ok' },
    asks: ['mixed.example'],
    arrives: [`tcp ${PUBLIC} 7777`],
  },
  {
    name: 'a name that answers loopback, NAT64, 6to4, link-local and metadata addresses',
    program: `report("v4", ask("loops.example")); report("v6", ask("loops6.example", 28))
for address in ("64:ff9b::a9fe:a9fe", "2002:a14:5::1", "fd00:ec2::254"):
    report(address, reach(address, 7777))`,
    expect: { v4: 'REFUSED', v6: 'REFUSED', ...each(['64:ff9b::a9fe:a9fe', '2002:a14:5::1', 'fd00:ec2::254'], BROKEN) },
    asks: ['loops.example', 'loops6.example'],
  },
  {
    name: "a name that answers the addresses of the server's machine",
    program: `report("name", ask("host.example"))
report("public", reach("93.184.215.200", 7777)); report("private", reach("10.99.0.1", 7777)); report("http", fetch("93.184.215.200", 80, "host.example"))`,
    expect: { name: ['93.184.215.200', 'REFUSED'], public: BROKEN, private: BROKEN, http: REFUSED },
    asks: ['host.example'],
  },
])
