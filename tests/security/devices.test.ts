// SPDX-License-Identifier: Apache-2.0
import { ABSENT, attacks, CLOSED, JAIL } from './attack.ts'

const HARDWARE = [
  '/dev/kvm',
  '/dev/fuse',
  '/dev/net/tun',
  '/dev/loop0',
  '/dev/loop-control',
  '/dev/mem',
  '/dev/port',
  '/dev/kmsg',
  '/dev/vda',
  '/dev/sda',
  '/dev/nvidia0',
  '/dev/mapper/control',
  '/dev/vhost-net',
  '/dev/uinput',
  '/dev/rtc0',
]

attacks('devices', [
  {
    name: 'making device files',
    program: `
import stat, tempfile
place = tempfile.mkdtemp()
for label, kind, major, minor in [("null", stat.S_IFCHR, 1, 3), ("memory", stat.S_IFCHR, 1, 1), ("disk", stat.S_IFBLK, 8, 0), ("kvm", stat.S_IFCHR, 10, 232)]:
    path = os.path.join(place, label)
    made = attempt(lambda: os.mknod(path, kind | 0o666, os.makedev(major, minor)))
    # Making the file is harmless as long as it cannot be opened.
    report(label, made if made != "ok" else opened(path, os.O_RDONLY | os.O_NONBLOCK))
report("fifo", attempt(lambda: os.mkfifo(os.path.join(place, "fifo"))))
`,
    expect: {
      null: ['EPERM', 'EACCES'],
      memory: ['EPERM', 'EACCES'],
      disk: ['EPERM', 'EACCES'],
      kvm: ['EPERM', 'EACCES'],
      fifo: 'ok',
    },
    control: {
      within: JAIL,
      expect: {
        null: 'ok',
        memory: ['ok', 'ENXIO'],
        disk: ['ok', 'ENXIO', 'ENODEV'],
        kvm: ['ok', 'ENODEV', 'ENXIO', 'EINVAL'],
        fifo: 'ok',
      },
    },
  },
  {
    name: 'device files of the host',
    program: `
for path in ${JSON.stringify(HARDWARE)}:
    report(path, opened(path, os.O_RDONLY | os.O_NONBLOCK))
report("/dev/zero", opened("/dev/zero", os.O_RDONLY))
`,
    expect: { ...Object.fromEntries(HARDWARE.map((path) => [path, ABSENT])), '/dev/zero': 'ok' },
  },
  {
    name: 'anything in /dev beyond the harmless',
    program: `
harmless = {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "shm", "mqueue", "fd", "stdin", "stdout", "stderr", "core", "console"}
names = set(os.listdir("/dev"))
report("beyond", " ".join(sorted(names - harmless)) or "nothing")
for name in ["null", "zero", "full", "random", "urandom", "ptmx"]:
    report(name, opened("/dev/" + name, os.O_RDWR if name != "full" else os.O_RDONLY))
`,
    expect: {
      beyond: 'nothing',
      null: 'ok',
      zero: 'ok',
      full: 'ok',
      random: 'ok',
      urandom: 'ok',
      ptmx: ['ok', 'EIO', 'EAGAIN'],
    },
  },
  {
    name: 'replacing the files of /dev',
    program: `
report("remove", in_child(lambda: os.unlink("/dev/null")))
report("rename", in_child(lambda: os.rename("/dev/urandom", "/dev/null")))
report("chmod", in_child(lambda: os.chmod("/dev/null", 0)))
report("still there", opened("/dev/null", os.O_RDWR))
`,
    // Root inside owns nothing in /dev either: the files belong to the host.
    expect: { remove: [...CLOSED, 'EBUSY'], rename: [...CLOSED, 'EBUSY'], chmod: [...CLOSED], 'still there': 'ok' },
  },
  {
    name: 'terminals of the host',
    program: `
import glob, pty
master, slave = pty.openpty()
report("own terminal", "ok" if os.ttyname(slave).startswith("/dev/pts/") else os.ttyname(slave))
# A fresh devpts counts from zero: what the host has open is not there.
report("others", "ok" if len(glob.glob("/dev/pts/[0-9]*")) <= 4 else " ".join(glob.glob("/dev/pts/[0-9]*")))
report("console", opened("/dev/tty0", os.O_RDONLY | os.O_NONBLOCK))
`,
    expect: { 'own terminal': 'ok', others: 'ok', console: ABSENT },
  },
  {
    name: 'typing into a terminal with TIOCSTI and TIOCLINUX',
    program: `
import fcntl, pty
TIOCSTI, TIOCLINUX, TIOCGWINSZ, TIOCSCTTY = 0x5412, 0x541C, 0x5413, 0x540E
master, slave = pty.openpty()
def on_own_terminal(request, argument):
    def action():
        os.setsid()
        fcntl.ioctl(slave, TIOCSCTTY, 0)
        fcntl.ioctl(slave, request, argument)
    return in_child(action)
report("TIOCSTI", on_own_terminal(TIOCSTI, b"x"))
report("TIOCLINUX", on_own_terminal(TIOCLINUX, b"\\x0b"))
# The upper half of the request is ignored by the kernel, so a filter must not compare it.
report("TIOCSTI with high bits", in_child(lambda: (os.setsid(), fcntl.ioctl(slave, TIOCSCTTY, 0), checked("ioctl", slave, (1 << 32) | TIOCSTI, b"x"))))
report("window size", on_own_terminal(TIOCGWINSZ, b"\\0" * 8))
`,
    expect: { TIOCSTI: 'EPERM', TIOCLINUX: 'EPERM', 'TIOCSTI with high bits': 'EPERM', 'window size': 'ok' },
    control: {
      expect: {
        TIOCSTI: ['ok', 'EIO'],
        TIOCLINUX: ['ENOTTY', 'EINVAL'],
        'TIOCSTI with high bits': ['ok', 'EIO'],
        'window size': 'ok',
      },
    },
  },
])
