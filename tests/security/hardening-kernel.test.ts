// SPDX-License-Identifier: Apache-2.0
import { describe, expect } from 'vitest'
import { onEachDriver } from '../support/world.ts'
import { attacks, JAIL } from './attack.ts'
import { attack } from './attacker.ts'

attacks('what the kernel counts for the whole host', [
  {
    name: 'filters on sockets and labels of flows',
    program: `
IPPROTO_IPV6, IPV6_FLOWLABEL_MGR = 41, 32
code = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0xffff))
filters = struct.pack("HxxxxxxP", 1, ctypes.addressof(code))
datagram, six = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
datagram.setsockopt(socket.SOL_SOCKET, 15, 1)
report("filter", attempt(lambda: datagram.setsockopt(socket.SOL_SOCKET, 26, filters)))
report("reuseport filter", attempt(lambda: datagram.setsockopt(socket.SOL_SOCKET, 51, filters)))
label = struct.pack("16sIBBHHH4x", socket.inet_pton(socket.AF_INET6, "::1"), 0, 0, 255, 1, 6, 0)
report("label", attempt(lambda: six.setsockopt(IPPROTO_IPV6, IPV6_FLOWLABEL_MGR, label)))
report("another option", attempt(lambda: six.setsockopt(IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)))
`,
    expect: { filter: 'EPERM', 'reuseport filter': 'EPERM', label: 'EPERM', 'another option': 'ok' },
    control: {
      within: JAIL,
      expect: { filter: 'ok', 'reuseport filter': 'ok', label: ['ok', 'EINVAL'], 'another option': 'ok' },
    },
  },
  {
    name: 'modules by kinds of socket and by requests to bridges',
    program: `
import fcntl
for kind in (4, 5, 6):
    for family in (socket.AF_INET, socket.AF_INET6):
        report("%d of %d" % (kind, family), attempt(lambda: socket.socket(family, kind, 0)))
plain = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for request in (0x8940, 0x8941, 0x89a0, 0x89a1, 0x8982, 0x8983):
    report(hex(request), attempt(lambda: fcntl.ioctl(plain, request, b"x" * 64)))
report("unix packets", attempt(lambda: socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)))
`,
    expect: {
      ...Object.fromEntries(
        [4, 5, 6].flatMap((kind) => [2, 10].map((family) => [`${kind} of ${family}`, 'ESOCKTNOSUPPORT'])),
      ),
      ...Object.fromEntries(
        ['0x8940', '0x8941', '0x89a0', '0x89a1', '0x8982', '0x8983'].map((request) => [request, 'ENOTTY']),
      ),
      'unix packets': 'ok',
    },
  },
  {
    name: 'huge pages',
    program: `
import mmap
HUGE = 0x40000
report("mapping", attempt(lambda: mmap.mmap(-1, 2 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | HUGE)))
report("memory file", attempt(lambda: os.memfd_create("huge", 4)))
report("ordinary", attempt(lambda: mmap.mmap(-1, 2 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)))
report("ordinary file", attempt(lambda: os.memfd_create("plain", 1)))
`,
    expect: { mapping: 'ENOMEM', 'memory file': 'EINVAL', ordinary: 'ok', 'ordinary file': 'ok' },
  },
  {
    name: 'memory that is no sandbox’s: files without content, long queues of listeners',
    program: `
def files():
    for number in range(5000):
        os.mkdir("/dev/shm/%d" % number)
report("shared memory", attempt(files))
for number in range(5000):
    try:
        os.rmdir("/dev/shm/%d" % number)
    except OSError:
        break
report("queue", "ok" if int(open("/proc/sys/net/core/somaxconn").read()) <= 128 else "long")
`,
    expect: { 'shared memory': 'ENOSPC', queue: 'ok' },
  },
])

describe('what sandboxes and the host have in common', () => {
  onEachDriver((world) => {
    attack(world, 'locks on devices and masks as a channel', {}, async ({ sandbox, user }) => {
      await using other = await world.create()
      const places = ['/dev/null', '/dev/zero', '/dev/urandom', '/dev/tty', '/proc/cmdline', '/proc/interrupts']
      const inodes = async (one: typeof sandbox) =>
        (await one.run(['stat', '-c', '%d:%i %n', ...places], { user })).stdout.trim().split('\n')
      const [here, there] = [await inodes(sandbox), await inodes(other)]
      expect(here).toHaveLength(places.length)
      // Without root no device can be made, and the host's are shown.
      const own = world.driver !== 'namespace-root' ? here.filter((line) => !line.includes('/dev/')) : here
      expect(own.filter((line) => there.includes(line))).toEqual([])
    })

    attack(world, 'the agent’s own descriptors by the file API', {}, async ({ sandbox, user }) => {
      for (const path of ['/proc/self/fd/3', '/proc/1/fd/0', '/proc/thread-self/fd/0', '/dev/fd/0', '/proc/self/exe'])
        await expect(sandbox.files.read(path, { user }), path).rejects.toThrow()
      for (const path of ['/proc/self/cwd', '/proc/self/root/etc', '/proc/1/root', '/proc/self/fd/3'])
        await expect(sandbox.files.list(path, { user }), path).rejects.toThrow()
      expect((await sandbox.files.list('/proc/self/../sys', { user })).length).toBeGreaterThan(0)
    })
  })
})
