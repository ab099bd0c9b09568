// SPDX-License-Identifier: Apache-2.0
import { attacks, CLOSED, JAIL, REFUSED } from './attack.ts'

attacks('control groups', [
  {
    name: 'mounting a hierarchy to write its release_agent',
    program: `
import tempfile
place = tempfile.mkdtemp().encode()
for kind, data in [(b"cgroup", b"memory"), (b"cgroup", b"none,name=isola_test"), (b"cgroup2", None)]:
    report((kind + b" " + (data or b"")).decode(), outcome("mount", b"none", place, kind, 0, data))
`,
    expect: { 'cgroup memory': REFUSED, 'cgroup none,name=isola_test': REFUSED, 'cgroup2 ': REFUSED },
    control: {
      within: JAIL,
      expect: {
        'cgroup memory': ['ok', 'EINVAL', 'EBUSY', 'ENOENT'],
        'cgroup none,name=isola_test': ['ok', 'EINVAL', 'ENODEV'],
        'cgroup2 ': 'ok',
      },
    },
  },
  {
    name: 'writing to the control groups of the host',
    program: `
for path in ["/sys/fs/cgroup/memory/release_agent", "/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/unified/cgroup.procs", "/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/devices/devices.allow"]:
    report(path, opened(path, os.O_WRONLY))
report("names of groups", "hidden" if all(line.rstrip().split(":", 2)[2] in ("/", "/work", "/..", "/../work") for line in open("/proc/self/cgroup")) else open("/proc/self/cgroup").read())
report("own groups", "ok" if open("/proc/self/cgroup").read() else "none")
`,
    expect: {
      ...Object.fromEntries(
        [
          '/sys/fs/cgroup/memory/release_agent',
          '/sys/fs/cgroup/cgroup.procs',
          '/sys/fs/cgroup/unified/cgroup.procs',
          '/sys/fs/cgroup/memory/memory.limit_in_bytes',
          '/sys/fs/cgroup/devices/devices.allow',
        ].map((path) => [path, CLOSED]),
      ),
      // Without control groups of its own a sandbox is in those of the launcher, whose names are then shown.
      'names of groups': 'hidden',
      'own groups': 'ok',
    },
  },
])
