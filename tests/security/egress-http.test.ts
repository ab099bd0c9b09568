// SPDX-License-Identifier: Apache-2.0
import { expect } from 'vitest'
import { allowing, BROKEN, type EgressAttack, egressAttacks, REFUSED, useWorld } from '../support/network-attack.ts'
import type { Arrivals } from '../support/network-world.ts'

const HERE = '93.184.215.14'
const ELSEWHERE = '93.184.215.15'
/** The neighbour is a forbidden tenant of the same machine. */
const ZONE = {
  'allowed.example': [{ addresses: [HERE] }],
  'neighbour.example': [{ addresses: [HERE] }],
  'forbidden.example': [{ addresses: [ELSEWHERE] }],
}
const world = useWorld(ZONE)
const each = (labels: readonly string[], outcome: string | readonly string[]) =>
  Object.fromEntries(labels.map((label) => [label, outcome]))
const INVALID = ['400', '403', '405', '417', '501', '505', ...BROKEN]
const neverSaid = ({ bytes }: Arrivals): void =>
  expect(Object.values(bytes).join('\n')).not.toMatch(/neighbour|smuggled/i)

/** Sends each of these bytes to the allowed host; nothing of them may arrive. */
function refused(
  name: string,
  payloads: Readonly<Record<string, string>>,
  outcome: readonly string[] = INVALID,
): EgressAttack {
  const lines = Object.entries(payloads).map(
    ([label, payload]) => `report(${JSON.stringify(label)}, statuses("${HERE}", 80, ${payload}))`,
  )
  return {
    name,
    program: `ask("allowed.example")\n${lines.join('\n')}`,
    expect: each(Object.keys(payloads), outcome),
    asks: ['allowed.example'],
  }
}

/** The allowed part of it arrives, and nothing of the rest. */
function partly(
  name: string,
  payloads: Readonly<Record<string, readonly [payload: string, outcome: string | readonly string[]]>>,
): EgressAttack {
  const lines = Object.entries(payloads).map(
    ([label, [payload]]) => `report(${JSON.stringify(label)}, statuses("${HERE}", 80, ${payload}))`,
  )
  return {
    name,
    program: `ask("allowed.example")\n${lines.join('\n')}`,
    expect: Object.fromEntries(Object.entries(payloads).map(([label, [, outcome]]) => [label, outcome])),
    asks: ['allowed.example'],
    arrives: [`tcp ${HERE} 80`],
    check: neverSaid,
  }
}

const OK = 'head("allowed.example")'
const SMUGGLED = 'head("neighbour.example", "/smuggled")'
const body = (headers: string, payload: string, method = 'POST') =>
  `head("allowed.example", "/", "${method}", more=[${headers}]) + ${payload}`

egressAttacks(
  'HTTP, where only a name is allowed',
  world,
  {
    network: allowing({ action: 'allow', domain: 'allowed.example' }),
    zone: ZONE,
  },
  [
    {
      name: 'requests for an allowed host',
      isControl: true,
      as: ['user', 'root'],
      program: `ask("allowed.example")
report("get", fetch("${HERE}", 80, "allowed.example")); report("other port", fetch("${HERE}", 8080, "allowed.example:8080")); report("unusual port", fetch("${HERE}", 8888, "ALLOWED.example."))
report("absolute", fetch("${HERE}", 80, "allowed.example", "http://allowed.example/x")); report("pipelined", statuses("${HERE}", 80, ${OK} * 3))
report("post", statuses("${HERE}", 80, ${body('"Content-Length: 5"', 'b"hello"')})); report("chunks", statuses("${HERE}", 80, ${body('"Transfer-Encoding: chunked"', 'b"5\\r\\nhello\\r\\n0\\r\\n\\r\\n"')}))`,
      expect: {
        ...each(['get', 'other port', 'unusual port', 'absolute', 'post', 'chunks'], '200'),
        pipelined: '200 200 200',
      },
      asks: ['allowed.example'],
      arrives: [`tcp ${HERE} 80`, `tcp ${HERE} 8080`, `tcp ${HERE} 8888`],
    },
    {
      name: 'a WebSocket of an allowed host',
      isControl: true,
      program: `ask("allowed.example")
def websocket():
    with dial("${HERE}", 80) as client:
        client.sendall(head("allowed.example", more=["Connection: Upgrade", "Upgrade: websocket"]))
        first = client.recv(65536)
        client.sendall(b"over the tunnel")
        return first.split()[1].decode() + " " + client.recv(100).decode()
report("echo", tried(websocket))`,
      expect: { echo: '101 over the tunnel' },
      asks: ['allowed.example'],
      arrives: [`tcp ${HERE} 80`],
    },
    {
      ...refused('a Host that is not allowed, at the address of one that is', {
        neighbour: 'head("neighbour.example")',
        'upper case': 'head("NEIGHBOUR.example")',
        below: 'head("x.allowed.example")',
        address: `head("${HERE}")`,
        'other address': 'head("169.254.169.254")',
        localhost: 'head("localhost")',
        'with a port': 'head("neighbour.example:80")',
        v6: 'head("[::1]")',
        decimal: 'head("2130706433")',
        short: 'head("127.1")',
      }),
      as: ['user', 'root'],
    },
    {
      name: 'an allowed Host at a forbidden address',
      program: `ask("allowed.example")
for port in (80, 8080, 3128, 8888):
    report(str(port), fetch("${ELSEWHERE}", port, "allowed.example"))`,
      expect: each(['80', '8080', '3128', '8888'], REFUSED),
      asks: ['allowed.example'],
    },
    partly('another Host on a kept connection', {
      second: [`${OK} + head("neighbour.example", "/smuggled")`, '200 403'],
      between: [`${OK} + head("neighbour.example", "/smuggled") + ${OK}`, ['200 403 200', '200 403']],
      'after a body': [`${body('"Content-Length: 5"', 'b"hello"')} + ${SMUGGLED}`, '200 403'],
      'after chunks': [`${body('"Transfer-Encoding: chunked"', 'b"0\\r\\n\\r\\n"')} + ${SMUGGLED}`, '200 403'],
      'after HEAD': [`head("allowed.example", method="HEAD") + ${SMUGGLED}`, ['200 403', '200']],
      absolute: [`${OK} + head("allowed.example", "http://neighbour.example/smuggled")`, '200 403'],
    }),
    refused('a target that names another host', {
      absolute: 'head("allowed.example", "http://neighbour.example/")',
      'upper case': 'head("allowed.example", "HTTP://NEIGHBOUR.example/")',
      'with user': 'head("allowed.example", "http://allowed.example@neighbour.example/")',
      'with backslash': 'head("allowed.example", "http://allowed.example\\\\@neighbour.example/")',
      https: 'head("allowed.example", "https://neighbour.example/")',
      ftp: 'head("allowed.example", "ftp://neighbour.example/")',
      bare: 'head("allowed.example", "neighbour.example/")',
      address: 'head("allowed.example", "http://169.254.169.254/")',
      empty: 'head("allowed.example", "http:///neighbour.example")',
    }),
    partly('a Host that another target overrules', {
      absolute: ['head("neighbour.example", "http://allowed.example/")', '200'],
    }),
    refused('CONNECT and other ways to make a proxy of it', {
      neighbour: 'head("neighbour.example:443", "neighbour.example:443", "CONNECT")',
      allowed: 'head("allowed.example:443", "allowed.example:443", "CONNECT")',
      address: 'head("allowed.example", "169.254.169.254:80", "CONNECT")',
      trace: 'head("neighbour.example", method="TRACE")',
    }),
    refused('smuggling by two lengths and by length and chunks', {
      'CL.TE': body('"Content-Length: 4", "Transfer-Encoding: chunked"', `b"0\\r\\n\\r\\n" + ${SMUGGLED}`),
      'TE.CL': body('"Transfer-Encoding: chunked", "Content-Length: 4"', `b"0\\r\\n\\r\\n" + ${SMUGGLED}`),
      'TE.TE': body('"Transfer-Encoding: chunked", "Transfer-Encoding: identity"', `b"0\\r\\n\\r\\n" + ${SMUGGLED}`),
      'TE list': body('"Transfer-Encoding: identity, chunked"', `b"0\\r\\n\\r\\n" + ${SMUGGLED}`),
      'TE xchunked': body('"Transfer-Encoding: xchunked"', `b"0\\r\\n\\r\\n" + ${SMUGGLED}`),
      'TE blank': body('"Transfer-Encoding : chunked"', `b"0\\r\\n\\r\\n" + ${SMUGGLED}`),
      'TE tab': body('"Transfer-Encoding:\\tchunked\\x0b"', `b"0\\r\\n\\r\\n" + ${SMUGGLED}`),
      'two CL': body('"Content-Length: 0", "Content-Length: 60"', SMUGGLED),
      'CL list': body('"Content-Length: 0, 60"', SMUGGLED),
      'CL plus': body('"Content-Length: +0"', SMUGGLED),
      'CL hex': body('"Content-Length: 0x0"', SMUGGLED),
      'CL negative': body('"Content-Length: -1"', SMUGGLED),
      'TE in HTTP/1.0': `head("allowed.example", "/", "POST", more=["Transfer-Encoding: chunked"], version="HTTP/1.0") + b"0\\r\\n\\r\\n" + ${SMUGGLED}`,
    }),
    refused('heads that two readers read in two ways', {
      'two Hosts': 'head("allowed.example", more=["Host: neighbour.example"])',
      'two Hosts turned': 'head("neighbour.example", more=["hOsT: allowed.example"])',
      'blank before the colon': 'head(None, more=["Host : neighbour.example"])',
      folded: 'head("allowed.example", more=["X: y\\r\\n Host: neighbour.example"])',
      'folded Host': 'head("allowed.example\\r\\n neighbour.example")',
      'bare line feeds': 'head("allowed.example", more=["X: y\\nHost: neighbour.example"]).replace(b"\\r\\n", b"\\n")',
      'bare return': 'head("allowed.example", more=["X: y\\rHost: neighbour.example"])',
      null: 'head("allowed.example", more=["X: y\\0"])',
      'no Host': 'head(None)',
      'no version': 'b"GET /\\r\\n\\r\\n"',
      'blanks in the target': 'head("allowed.example", "/ http://neighbour.example/")',
      'HTTP/2.0': 'head("allowed.example", version="HTTP/2.0")',
      'HTTP/9.9': 'head("allowed.example", version="HTTP/9.9")',
      'no name of a header': 'head("allowed.example", more=[": x"])',
      'a tab for a blank': 'b"GET\\t/\\tHTTP/1.1\\r\\nHost: neighbour.example\\r\\n\\r\\n"',
      'small letters': 'head("neighbour.example", method="get")',
      'an unknown method': 'head("neighbour.example", method="BREW")',
      'empty lines in front': 'b"\\r\\n\\r\\n\\r\\n" + head("neighbour.example")',
    }),
    refused('a Host with what no host has', {
      blank: 'head("allowed.example neighbour.example")',
      tab: 'head("allowed.example\\tneighbour.example")',
      null: 'head("allowed.example\\0.neighbour.example")',
      escape: 'head("allowed.example\\x1b[31m")',
      comma: 'head("allowed.example, neighbour.example")',
      user: 'head("allowed.example@neighbour.example")',
      path: 'head("allowed.example/neighbour.example")',
      fragment: 'head("neighbour.example#allowed.example")',
      question: 'head("neighbour.example?allowed.example")',
      backslash: 'head("allowed.example\\\\neighbour.example")',
      'two ports': 'head("allowed.example:80:80")',
      'a word for a port': 'head("allowed.example:neighbour")',
      percent: 'head("allowed%2eexample")',
      high: 'head("allowed.ex\\xe4mple")',
      brackets: 'head("[allowed.example]")',
    }),
    partly('broken chunks behind an allowed head', {
      'whole ones': [body('"Transfer-Encoding: chunked"', 'b"1\\r\\nx\\r\\n0\\r\\n\\r\\n"'), '200'],
      size: [body('"Transfer-Encoding: chunked"', `b"zz\\r\\n" + ${SMUGGLED}`), ['400', '502', '200 400', ...BROKEN]],
      huge: [
        body('"Transfer-Encoding: chunked"', `b"fffffffffffffffff\\r\\n" + ${SMUGGLED}`),
        ['400', '502', '200 400', ...BROKEN],
      ],
      'line feed': [
        body('"Transfer-Encoding: chunked"', `b"1\\nx\\n0\\n\\n" + ${SMUGGLED}`),
        ['400', '502', '200 400', ...BROKEN],
      ],
      trailer: [
        body('"Transfer-Encoding: chunked"', 'b"0\\r\\nHost: neighbour.example\\r\\nContent-Length: 9\\r\\n\\r\\n"'),
        ['200', '400', ...BROKEN],
      ],
    }),
    partly('headers that are to vanish on the way, or to change the protocol', {
      'Connection: host': ['head("allowed.example", more=["Connection: close, host, content-length"])', '200'],
      h2c: [
        'head("allowed.example", more=["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"])',
        '200',
      ],
      'an upgrade with a body': [
        body('"Connection: Upgrade", "Upgrade: websocket", "Content-Length: 5"', `b"hello" + ${SMUGGLED}`),
        ['200', '200 403'],
      ],
      'an upgrade of HTTP/1.0': [
        'head("allowed.example", more=["Connection: Upgrade", "Upgrade: websocket"], version="HTTP/1.0")',
        '200',
      ],
    }),
    refused('HTTP/2 without TLS', {
      preface: 'b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n" + b"\\0\\0\\0\\4\\0\\0\\0\\0\\0"',
    }),
    refused('an upgrade to anything for a forbidden host', {
      websocket: 'head("neighbour.example", more=["Connection: Upgrade", "Upgrade: websocket"]) + b"raw"',
      raw: 'head("neighbour.example", more=["Connection: Upgrade", "Upgrade: raw"]) + b"raw"',
    }),
    {
      name: 'a redirect from an allowed host to forbidden ones',
      program: `ask("allowed.example")
from urllib.parse import urlparse
def followed(to):
    with dial("${HERE}", 80) as client:
        client.sendall(head("allowed.example", "/redirect?to=" + to))
        answer = http.client.HTTPResponse(client)
        answer.begin()
        place = urlparse(answer.headers["location"])
    known = {"forbidden.example": "${ELSEWHERE}", "neighbour.example": "${HERE}"}
    return "%d %s" % (answer.status, fetch(known.get(place.hostname, place.hostname), place.port or 80, place.netloc))
for to in ("http://forbidden.example/", "http://neighbour.example/", "http://169.254.169.254/", "http://10.20.0.5:8080/", "http://127.0.0.1/"):
    report(to, tried(lambda: followed(to)))
report("name", ask("forbidden.example"))`,
      expect: {
        ...each(
          [
            'http://forbidden.example/',
            'http://neighbour.example/',
            'http://169.254.169.254/',
            'http://10.20.0.5:8080/',
          ],
          REFUSED.map((end) => `302 ${end}`),
        ),
        'http://127.0.0.1/': '302 ECONNREFUSED',
        name: 'REFUSED',
      },
      asks: ['allowed.example'],
      arrives: [`tcp ${HERE} 80`],
      check: ({ bytes }) => expect(Object.values(bytes).join('\n')).not.toMatch(/Host: (?!allowed)/i),
    },
    {
      name: 'requests of forbidden hosts on ports of other protocols',
      program: `ask("allowed.example")
for port in (22, 25, 443, 8443, 9443, 5432, 7777):
    report(str(port), fetch("${HERE}", port, "neighbour.example"))`,
      expect: each(['22', '25', '443', '8443', '9443', '5432', '7777'], REFUSED),
      asks: ['allowed.example'],
    },
    {
      name: 'a request that is said byte by byte, with a forbidden Host',
      program: `ask("allowed.example")
report("dripped", greet("${HERE}", 80, *[bytes([byte]) for byte in head("neighbour.example")[:-1]], head("neighbour.example")[-1:], pause=0.001))
report("silence first", greet("${HERE}", 80, lambda: time.sleep(0.7), head("neighbour.example"))); report("cut", greet("${HERE}", 8888, b"GET / HT", lambda: time.sleep(0.7), head("neighbour.example")[8:]))`,
      // What comes back is the proxy's refusal: nothing arrives.
      expect: each(['dripped', 'silence first', 'cut'], ['ok', ...BROKEN]),
      asks: ['allowed.example'],
    },
    {
      name: 'silence, then a forbidden Host, on another port',
      program: `ask("allowed.example")
report("late", greet("${HERE}", 8888, lambda: time.sleep(0.7), head("neighbour.example", "/late")))`,
      expect: { late: ['ok', ...BROKEN] },
      asks: ['allowed.example'],
      // It may be connected to; what was said never went out.
      arrives: [`tcp ${HERE} 8888`],
      check: neverSaid,
    },
    {
      name: 'a request that only servers take for one, then a forbidden Host behind it',
      program: `ask("allowed.example")
for label, first in {"long method": head("allowed.example", method="M" * 65), "blank in front": b" " + ${OK}}.items():
    report(label, greet("${HERE}", 80, first + head("neighbour.example", "/smuggled")))`,
      expect: each(['long method', 'blank in front'], ['ok', ...BROKEN]),
      asks: ['allowed.example'],
      check: neverSaid,
    },
  ],
)
