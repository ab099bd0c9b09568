// SPDX-License-Identifier: Apache-2.0
import { expect } from 'vitest'
import { allowing, BROKEN, type EgressAttack, egressAttacks, useWorld } from '../support/network-attack.ts'

const HERE = '93.184.215.14'
const ELSEWHERE = '93.184.215.15'
/** The neighbour is a forbidden tenant of the same machine. */
const ZONE = {
  'allowed.example': [{ addresses: [HERE] }],
  'second.example': [{ addresses: [HERE] }],
  'neighbour.example': [{ addresses: [HERE] }],
  'forbidden.example': [{ addresses: [ELSEWHERE] }],
}
const world = useWorld(ZONE)
const each = (labels: readonly string[], outcome: string | readonly string[]) =>
  Object.fromEntries(labels.map((label) => [label, outcome]))

const CUT = `
def cut(name, size):
    message = hello_message(name)
    return b"".join(record(message[at:at + size]) for at in range(0, len(message), size))
`

/** Looks the allowed name up, then says each hello there; none may arrive. */
function refused(name: string, hellos: Readonly<Record<string, string>>, where = `"${HERE}", 443`): EgressAttack {
  const lines = Object.entries(hellos).map(
    ([label, parts]) => `report(${JSON.stringify(label)}, greet(${where}, ${parts}))`,
  )
  return {
    name,
    program: `${CUT}\nreport("looked up", ask("allowed.example"))\n${lines.join('\n')}`,
    expect: { 'looked up': HERE, ...each(Object.keys(hellos), BROKEN) },
    asks: ['allowed.example'],
  }
}

egressAttacks(
  'TLS, where only names are allowed',
  world,
  {
    network: allowing({ action: 'allow', domain: 'allowed.example' }, { action: 'allow', domain: 'second.example' }),
    zone: ZONE,
  },
  [
    {
      name: 'a handshake with an allowed name, however it is spelled and cut',
      isControl: true,
      as: ['user', 'root'],
      program: `${CUT}
report("looked up", ask("allowed.example"))
report("whole", handshake("${HERE}", 443, "allowed.example")); report("other port", handshake("${HERE}", 9443, "allowed.example"))
report("upper case", greet("${HERE}", 443, hello("ALLOWED.example"))); report("in records", greet("${HERE}", 443, cut("allowed.example", 16)))
report("dripped", greet("${HERE}", 443, *[bytes([byte]) for byte in hello("allowed.example")], pause=0.001))
report("slowly", greet("${HERE}", 443, *(lambda whole: (whole[:40], lambda: time.sleep(0.7), whole[40:]))(hello("allowed.example"))))`,
      expect: {
        'looked up': HERE,
        ...each(['whole', 'other port'], 'sni=allowed.example'),
        ...each(['upper case', 'in records', 'dripped', 'slowly'], 'ok'),
      },
      asks: ['allowed.example'],
      arrives: [`tcp ${HERE} 443`, `tcp ${HERE} 9443`],
    },
    {
      ...refused('a forbidden server name at the address of an allowed one', {
        neighbour: 'hello("neighbour.example")',
        forbidden: 'hello("forbidden.example")',
        below: 'hello("sub.allowed.example")',
        above: 'hello("example")',
        'upper case': 'hello("NEIGHBOUR.EXAMPLE")',
        dot: 'hello("neighbour.example.")',
        'allowed but never looked up': 'hello("second.example")',
      }),
      as: ['user', 'root'],
    },
    refused(
      'an allowed server name at a forbidden address',
      {
        allowed: 'hello("allowed.example")',
        forbidden: 'hello("forbidden.example")',
        none: 'hello(None)',
      },
      `"${ELSEWHERE}", 443`,
    ),
    {
      name: 'a forbidden server name on ports where nobody expects TLS',
      program: `report("looked up", ask("allowed.example"))
for port in (22, 80, 853, 3128, 7777, 8443, 9443, 50000):
    report(str(port), greet("${HERE}", port, hello("neighbour.example")))`,
      expect: { 'looked up': HERE, ...each(['22', '80', '853', '3128', '7777', '8443', '9443', '50000'], BROKEN) },
      asks: ['allowed.example'],
    },
    refused('an address in place of the server name', {
      own: `hello("${HERE}")`,
      other: `hello("${ELSEWHERE}")`,
      v6: 'hello("::1")',
      bracketed: 'hello("[2606:2800:21f::1]")',
      hexadecimal: 'hello("0x5db8d70e")',
      short: 'hello("127.1")',
    }),
    refused('a server name that two readers take for two names', {
      null: 'hello("allowed.example\\0.neighbour.example")',
      'null behind': 'hello("neighbour.example\\0allowed.example")',
      port: 'hello("allowed.example:443")',
      blank: 'hello(" allowed.example")',
      'line feed': 'hello("allowed.example\\nneighbour.example")',
      star: 'hello("*.example")',
      path: 'hello("allowed.example/neighbour.example")',
      'two dots': 'hello("allowed.example..")',
      empty: 'hello("")',
      long: 'hello("a" * 300 + ".example")',
      high: 'hello("allowed.ex\\xe4mple")',
    }),
    refused('several server names in one hello', {
      'in one list':
        'hello(None, extension(0, struct.pack(">H", 38) + b"\\0\\0\\x0fallowed.example" + b"\\0\\0\\x11neighbour.example"))',
      'in two extensions': 'hello("allowed.example", server_name("neighbour.example"))',
      'the other way': 'hello("neighbour.example", server_name("allowed.example"))',
      'of another kind': 'hello(None, extension(0, struct.pack(">H", 20) + b"\\1\\0\\x11neighbour.example"))',
    }),
    refused('a forbidden server name cut into records and segments', {
      'in records': 'cut("neighbour.example", 16)',
      'in many records': 'cut("neighbour.example", 2)',
      'in bytes of records': 'cut("neighbour.example", 1)',
      dripped: '*[bytes([byte]) for byte in hello("neighbour.example")], pause=0.001',
      'in the middle of the name':
        '*(lambda whole, at: (whole[:at], lambda: time.sleep(0.7), whole[at:]))(hello("allowed.example.neighbour.example"), 72)',
    }),
    refused('silence, then a forbidden server name, where clients speak first', {
      silence: 'lambda: time.sleep(1), hello("neighbour.example")',
      'one byte': 'b"\\x16", lambda: time.sleep(1), hello("neighbour.example")[1:]',
    }),
    {
      ...refused(
        'silence, then a forbidden server name, on another port',
        {
          silence: 'lambda: time.sleep(1), hello("neighbour.example")',
        },
        `"${HERE}", 9443`,
      ),
      arrives: [`tcp ${HERE} 9443`],
    },
    refused('two hellos, the forbidden one first or beside the other', {
      'forbidden first': 'hello("neighbour.example") + hello("allowed.example")',
      'in one record': 'record(hello_message("allowed.example") + hello_message("neighbour.example"))',
      'behind an alert': 'record(b"\\1\\0", 0x15) + hello("neighbour.example")',
      'behind a change of ciphers': 'record(b"\\1", 0x14) + hello("neighbour.example")',
      'behind an empty record': 'record(b"") + hello("neighbour.example")',
      'behind another message': 'record(b"\\0\\0\\0\\0" + hello_message("neighbour.example"))',
      'behind data': 'record(b"x" * 20, 0x17) + hello("neighbour.example")',
    }),
    {
      name: 'a second hello behind an allowed one',
      program: `report("looked up", ask("allowed.example"))
def twice():
    with dial("${HERE}", 443) as client:
        client.sendall(hello("allowed.example") + hello("neighbour.example"))
        return "named" if b"neighbour" in everything(client) else "closed"
report("twice", tried(twice))`,
      expect: { 'looked up': HERE, twice: BROKEN },
      asks: ['allowed.example'],
      arrives: [`tcp ${HERE} 443`],
    },
    refused('a hello that cannot be read', {
      'no extensions but a length': 'record(b"\\1\\0\\0\\x2b\\3\\3" + b"r" * 32 + b"\\0\\0\\2\\xc0\\x2b\\1\\0\\0\\4")',
      'an endless one': 'record(b"\\1\\xff\\xff\\xff" + b"x" * 1000)',
      'too long': 'hello("neighbour.example", extension(21, b"\\0" * 16000))',
      'a record too long': 'b"\\x16\\3\\1\\xff\\xff" + b"x" * 70000',
      'a server first': 'record(b"\\2" + hello_message("neighbour.example")[1:])',
    }),
  ],
)

egressAttacks(
  'TLS, where one name is denied and the internet is allowed',
  world,
  {
    network: allowing({ action: 'deny', domain: '.forbidden.example' }, { action: 'allow', preset: 'public-internet' }),
    zone: ZONE,
  },
  [
    {
      name: 'any other name',
      isControl: true,
      program: `report("hello", greet("${ELSEWHERE}", 443, hello("fine.example")))`,
      expect: { hello: 'ok' },
      arrives: [`tcp ${ELSEWHERE} 443`],
    },
    {
      name: 'the denied name in every spelling and at any address',
      program: `${CUT}
for name in ("forbidden.example", "FORBIDDEN.example", "forbidden.example.", "a.b.forbidden.example", "forbidden.example\\0", "forbidden.example:443"):
    report(repr(name), greet("${ELSEWHERE}", 443, hello(name)))
report("cut", greet("8.8.8.8", 443, cut("forbidden.example", 16))); report("behind an alert", greet("8.8.8.8", 443, record(b"\\1\\0", 0x15) + hello("forbidden.example")))
report("late", greet("8.8.8.8", 443, lambda: time.sleep(0.7), hello("forbidden.example")))
report("name", ask("www.forbidden.example"))`,
      expect: {
        ...each(
          [
            "'forbidden.example'",
            "'FORBIDDEN.example'",
            "'forbidden.example.'",
            "'a.b.forbidden.example'",
            "'forbidden.example\\x00'",
            "'forbidden.example:443'",
            'cut',
            'behind an alert',
            'late',
          ],
          BROKEN,
        ),
        name: 'REFUSED',
      },
      check: ({ bytes }) => expect(Object.values(bytes).join()).not.toMatch(/forbidden/i),
    },
  ],
)
