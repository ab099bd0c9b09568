// SPDX-License-Identifier: Apache-2.0
import { ABSENT, attacks, CLOSED, DENIED, JAIL } from './attack.ts'

const each = (labels: readonly string[], outcome: string | readonly string[]) =>
  Object.fromEntries(labels.map((label) => [label, outcome]))

const WRITES = [
  '/proc/sys/kernel/core_pattern',
  '/proc/sys/kernel/modprobe',
  '/proc/sys/kernel/panic',
  '/proc/sys/vm/overcommit_memory',
  '/proc/sys/vm/drop_caches',
  '/proc/sys/fs/suid_dumpable',
  '/proc/sys/kernel/yama/ptrace_scope',
  '/proc/sys/kernel/pid_max',
  '/proc/sys/net/ipv4/ip_forward',
  '/proc/sysrq-trigger',
  '/proc/irq/default_smp_affinity',
]
const MASKED = [
  '/proc/kcore',
  '/proc/keys',
  '/proc/timer_list',
  '/proc/interrupts',
  '/proc/sched_debug',
  '/proc/latency_stats',
]
const MASKED_FOLDERS = ['/proc/acpi', '/proc/asound', '/proc/scsi']

attacks('/proc', [
  {
    name: 'reading the memory, environment, files and root of the agent',
    program: `
for name in ["mem", "environ", "maps", "auxv", "stack", "syscall", "pagemap", "io"]:
    report(name, opened("/proc/1/" + name, os.O_RDONLY))
for name in ["exe", "cwd", "root"]:
    report(name, attempt(lambda: os.readlink("/proc/1/" + name)))
report("through root", attempt(lambda: os.listdir("/proc/1/root/")))
report("descriptors", attempt(lambda: [os.readlink("/proc/1/fd/" + name) for name in os.listdir("/proc/1/fd")]))
report("own environ", opened("/proc/self/environ", os.O_RDONLY))
`,
    expect: {
      ...each(['mem', 'environ', 'maps', 'auxv', 'stack', 'syscall', 'pagemap', 'io', 'exe', 'cwd', 'root'], CLOSED),
      'through root': CLOSED,
      descriptors: CLOSED,
      'own environ': 'ok',
    },
  },
  {
    name: 'overwriting the agent through /proc/1/exe (CVE-2019-5736)',
    program: `
report("open for writing", opened("/proc/1/exe", os.O_WRONLY))
report("truncate", opened("/proc/1/exe", os.O_WRONLY | os.O_TRUNC))
report("execute", in_child(lambda: os.execv("/proc/1/exe", ["isola-agent"])))
report("own program", opened("/proc/self/exe", os.O_RDONLY))
`,
    expect: {
      'open for writing': [...CLOSED, 'ETXTBSY'],
      truncate: [...CLOSED, 'ETXTBSY'],
      execute: CLOSED,
      'own program': 'ok',
    },
  },
  {
    name: 'overwriting the agent through a descriptor of a process that executes it',
    program: `
import glob
agents = [path for path in glob.glob("/proc/[0-9]*/exe") if attempt(lambda: os.readlink(path)) == "ok" and "agent" in os.readlink(path)]
for path in agents:
    result = opened(path, os.O_WRONLY)
    if result == "ok":
        report(path, result)
report("own program is found", "ok" if glob.glob("/proc/%d/exe" % os.getpid()) else "none")
`,
    expect: { 'own program is found': 'ok' },
  },
  {
    name: 'writing settings of the kernel',
    program: `
for path in ${JSON.stringify(WRITES)}:
    report(path, opened(path, os.O_WRONLY))
`,
    expect: each(WRITES, [...DENIED, ...ABSENT, 'EROFS']),
    control: { within: JAIL, expect: { ...each(WRITES, ['ok', 'ENOENT']), '/proc/sys/kernel/core_pattern': 'ok' } },
  },
  {
    name: 'reading what the kernel tells about the host',
    program: `
def taste(path):
    try:
        with open(path, "rb") as file:
            return "content" if file.read(64) else "empty"
    except OSError as error:
        return errno.errorcode[error.errno]
for path in ${JSON.stringify(MASKED)}:
    report(path, taste(path))
for path in ${JSON.stringify(MASKED_FOLDERS)}:
    try:
        report(path, "content" if os.listdir(path) else "empty")
    except OSError as error:
        report(path, errno.errorcode[error.errno])
report("/proc/version", taste("/proc/version"))
`,
    expect: {
      ...each([...MASKED, ...MASKED_FOLDERS], ['empty', ...DENIED, ...ABSENT]),
      '/proc/version': 'content',
    },
    control: {
      expect: {
        ...each([...MASKED, ...MASKED_FOLDERS], ['content', 'empty', 'ENOENT']),
        '/proc/kcore': ['content', 'ENOENT'],
        '/proc/interrupts': 'content',
        '/proc/version': 'content',
      },
    },
  },
  {
    name: 'addresses of the kernel',
    program: `
addresses = {line.split()[0] for _, line in zip(range(50), open("/proc/kallsyms"))} if opened("/proc/kallsyms", os.O_RDONLY) == "ok" else set()
report("kallsyms", "shown" if any(int(address, 16) for address in addresses) else "hidden")
report("kmsg", opened("/proc/kmsg", os.O_RDONLY | os.O_NONBLOCK))
report("syslog", outcome("syslog", 10, None, 0))
`,
    expect: { kallsyms: 'hidden', kmsg: CLOSED, syslog: ['EPERM', 'ENOSYS'] },
    control: { expect: { kallsyms: ['shown', 'hidden'], kmsg: ['ok', 'EAGAIN', 'EPERM'], syslog: 'ok' } },
  },
  {
    name: 'seeing processes of the host',
    program: `
pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
report("own process is seen", "ok" if os.getpid() in pids else "no")
report("few processes", "ok" if len(pids) < 40 else str(len(pids)))
names = {open("/proc/%d/comm" % pid).read().strip() for pid in pids if attempt(lambda: open("/proc/%d/comm" % pid).read()) == "ok"}
report("programs of the host", " ".join(sorted(names & {"node", "isolad", "isola-launcher", "systemd", "vitest"})) or "none")
`,
    expect: { 'own process is seen': 'ok', 'few processes': 'ok', 'programs of the host': 'none' },
  },
  {
    name: 'registering a binary format',
    program: `
report("register", write_file("/proc/sys/fs/binfmt_misc/register", b":x:M::MZ::/bin/true:"))
report("mount", outcome("mount", b"none", b"/proc/sys/fs/binfmt_misc", b"binfmt_misc", 0, None))
report("own comm", write_file("/proc/self/comm", b"renamed"))
`,
    expect: { register: [...DENIED, ...ABSENT, 'EROFS'], mount: ['EPERM', 'ENOSYS'], 'own comm': 'ok' },
  },
  {
    name: 'a core dump that a program of the host receives',
    program: `
import resource, signal
report("core limit", str(resource.getrlimit(resource.RLIMIT_CORE)))
def crash():
    os.kill(os.getpid(), signal.SIGSEGV)
report("crash", in_child(crash))
`,
    // 1 is the kernel's own mark for "never, not even to a pipe"; a hard limit of 0 cannot be raised to it.
    expect: { 'core limit': ['(1, 1)', '(0, 0)'], crash: 'signal 11' },
    control: { within: ['prlimit', '--core=4096', '--'], expect: { 'core limit': '(4096, 4096)', crash: 'signal 11' } },
  },
])
