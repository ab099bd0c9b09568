// SPDX-License-Identifier: Apache-2.0
import { attacks, CLOSED, JAIL, REFUSED } from './attack.ts'

attacks('mounts', [
  {
    name: 'mounting a tmpfs, a proc, a bind of / and an overlay',
    program: `
import tempfile
place = tempfile.mkdtemp().encode()
report("tmpfs", outcome("mount", b"none", place, b"tmpfs", 0, None))
report("proc", outcome("mount", b"none", place, b"proc", 0, None))
report("bind", outcome("mount", b"/", place, None, 4096, None))
report("overlay", outcome("mount", b"none", place, b"overlay", 0, b"lowerdir=/usr:/etc"))
`,
    expect: { tmpfs: REFUSED, proc: REFUSED, bind: REFUSED, overlay: REFUSED },
    control: { within: JAIL, expect: { tmpfs: 'ok', proc: 'ok', bind: 'ok', overlay: 'ok' } },
  },
  {
    name: 'remounting to get suid programs, devices and write access back',
    program: `
import tempfile
REMOUNT, BIND = 32, 4096
report("root without nosuid", outcome("mount", b"none", b"/", None, REMOUNT | BIND, None))
report("proc without nosuid", outcome("mount", b"none", b"/proc", None, REMOUNT | BIND, None))
report("dev without nosuid", outcome("mount", b"none", b"/dev", None, REMOUNT | BIND, None))
report("shared", outcome("mount", b"none", b"/", None, 1 << 20, None))
`,
    expect: {
      'root without nosuid': REFUSED,
      'proc without nosuid': REFUSED,
      'dev without nosuid': REFUSED,
      shared: REFUSED,
    },
    control: {
      within: JAIL,
      expect: { 'root without nosuid': 'ok', 'proc without nosuid': 'ok', 'dev without nosuid': 'ok', shared: 'ok' },
    },
  },
  {
    name: 'unmounting what covers something',
    program: `
DETACH = 2
for place in ["/dev/shm", "/sys", "/proc", "/"]:
    report(place, outcome("umount2", place.encode(), DETACH))
`,
    expect: { '/dev/shm': REFUSED, '/sys': REFUSED, '/proc': REFUSED, '/': REFUSED },
    control: { within: JAIL, expect: { '/dev/shm': 'ok', '/sys': 'ok', '/proc': 'ok', '/': ['ok', 'EINVAL'] } },
  },
  {
    name: 'the new mount interface',
    program: `
report("fsopen", outcome("fsopen", b"tmpfs", 0))
report("open_tree", outcome("open_tree", -100, b"/", 1))
report("fspick", outcome("fspick", -100, b"/", 0))
report("mount_setattr", outcome("mount_setattr", -100, b"/", 0, ctypes.create_string_buffer(32), 32))
report("fsconfig", outcome("fsconfig", 0, 99, None, None, 0))
report("fsmount", outcome("fsmount", 0, 0, 0))
report("move_mount", outcome("move_mount", -100, b"/nowhere", -100, b"/nowhere", 0))
`,
    expect: {
      fsopen: REFUSED,
      open_tree: REFUSED,
      fspick: REFUSED,
      mount_setattr: REFUSED,
      fsconfig: REFUSED,
      fsmount: REFUSED,
      move_mount: REFUSED,
    },
    control: {
      within: JAIL,
      expect: {
        fsopen: 'ok',
        open_tree: 'ok',
        fspick: 'ok',
        mount_setattr: 'ok',
        fsconfig: ['ENOTSUP', 'EINVAL'],
        fsmount: 'EINVAL',
        move_mount: 'ENOENT',
      },
    },
  },
  {
    name: 'pivot_root() back to an older root',
    program: `
report("pivot_root", outcome("pivot_root", b"/nowhere", b"/nowhere"))
`,
    expect: { pivot_root: REFUSED },
    control: { within: JAIL, expect: { pivot_root: 'ENOENT' } },
  },
  {
    name: 'leaving a chroot upwards',
    program: `
import tempfile
def escape():
    outside = os.open("/", os.O_RDONLY)
    os.chroot(tempfile.mkdtemp())
    os.fchdir(outside)
    for _ in range(64):
        os.chdir("..")
    os.chroot(".")
    if (os.stat("/").st_dev, os.stat("/").st_ino) != before:
        raise OSError(errno.EXDEV, "another root")
before = (os.stat("/").st_dev, os.stat("/").st_ino)
report("escape", in_child(escape))
`,
    // Where chroot() is allowed, the way up ends at the sandbox's own root.
    expect: { escape: REFUSED },
    expectRoot: { escape: ['ok', ...REFUSED] },
    control: { within: [...JAIL, 'chroot', '/'], expect: { escape: 'ok' } },
  },
  {
    name: 'opening a file of the host by handle',
    program: `
handle = ctypes.create_string_buffer(struct.pack("<Ii", 8, 1) + struct.pack("<II", 2, 0) + bytes(128))
def by_handle():
    directory = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    os.close(checked("open_by_handle_at", directory, handle, 0))
report("open_by_handle_at", in_child(by_handle))
`,
    expect: { open_by_handle_at: REFUSED },
    control: { expect: { open_by_handle_at: ['ok', 'ESTALE'] } },
  },
  {
    name: 'a mount that honours setuid bits or device files',
    program: `
import stat
lines = [line.split() for line in open("/proc/self/mountinfo")]
report("mounts are listed", "ok" if len(lines) > 2 else "none")
# A device file that is mounted on its own can only be used where devices are allowed.
HARMLESS = {(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 2)}
def is_harmless_device(place):
    entry = os.stat(place)
    return stat.S_ISCHR(entry.st_mode) and (os.major(entry.st_rdev), os.minor(entry.st_rdev)) in HARMLESS
def lacks(option, line):
    return option not in line[5].split(",")
report("nosuid", " ".join(line[4] for line in lines if lacks("nosuid", line)) or "everywhere")
report("nodev", " ".join(line[4] for line in lines if lacks("nodev", line) and line[4] != "/dev/pts" and not is_harmless_device(line[4])) or "everywhere")
for place in ["/proc", "/sys", "/dev/shm"]:
    flags = [line[5].split(",") for line in lines if line[4] == place]
    report("noexec on " + place, "ok" if flags and all("noexec" in flag for flag in flags) else "missing")
`,
    expect: {
      'mounts are listed': 'ok',
      nosuid: 'everywhere',
      nodev: 'everywhere',
      'noexec on /proc': 'ok',
      'noexec on /sys': 'ok',
      'noexec on /dev/shm': 'ok',
    },
  },
  {
    name: 'a mount whose changes reach the host',
    program: `
shared = [line.split()[4] for line in open("/proc/self/mountinfo") if " shared:" in line]
report("shared mounts", "none" if not shared else " ".join(shared))
report("mounts are listed", "ok" if sum(1 for _ in open("/proc/self/mountinfo")) > 2 else "none")
`,
    expect: { 'shared mounts': 'none', 'mounts are listed': 'ok' },
  },
  {
    name: 'a real sysfs, debugfs, securityfs or cgroupfs',
    program: `
# A single device file of devtmpfs is no devtmpfs: only what is mounted from its root counts.
kinds = {line.split(" - ")[1].split()[0] for line in open("/proc/self/mountinfo") if line.split()[3] == "/" or "devtmpfs" not in line}
for kind in ["sysfs", "debugfs", "tracefs", "securityfs", "cgroup", "cgroup2", "bpf", "configfs", "devtmpfs", "fuse"]:
    report(kind, "mounted" if kind in kinds else "absent")
report("proc", "mounted" if "proc" in kinds else "absent")
for path in ["/sys/kernel", "/sys/firmware", "/sys/fs/cgroup", "/sys/devices/virtual/powercap", "/sys/class/net"]:
    report(path, opened(path, os.O_RDONLY | os.O_DIRECTORY))
`,
    expect: {
      ...Object.fromEntries(
        ['sysfs', 'debugfs', 'tracefs', 'securityfs', 'cgroup', 'cgroup2', 'bpf', 'configfs', 'devtmpfs', 'fuse'].map(
          (kind) => [kind, 'absent'],
        ),
      ),
      proc: 'mounted',
      '/sys/kernel': CLOSED,
      '/sys/firmware': CLOSED,
      '/sys/fs/cgroup': CLOSED,
      '/sys/devices/virtual/powercap': CLOSED,
      '/sys/class/net': CLOSED,
    },
    control: {
      expect: {
        ...Object.fromEntries(
          ['sysfs', 'debugfs', 'tracefs', 'securityfs', 'cgroup', 'cgroup2', 'bpf', 'configfs', 'devtmpfs', 'fuse'].map(
            (kind) => [kind, ['mounted', 'absent']],
          ),
        ),
        proc: 'mounted',
        '/sys/kernel': 'EISDIR',
        '/sys/firmware': ['EISDIR', 'ENOENT'],
        '/sys/fs/cgroup': 'EISDIR',
        '/sys/devices/virtual/powercap': ['EISDIR', 'ENOENT'],
        '/sys/class/net': 'EISDIR',
      },
    },
  },
])
