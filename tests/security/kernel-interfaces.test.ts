// SPDX-License-Identifier: Apache-2.0
import { attacks, JAIL, REFUSED } from './attack.ts'

// Where success would harm the host, the call is made in a form that the kernel refuses for another
// reason after it has looked at the privileges: the control meets that other reason.
attacks('interfaces of the kernel', [
  {
    name: 'bpf()',
    program: `report("map", outcome("bpf", 0, ctypes.create_string_buffer(struct.pack("<IIII", 2, 4, 4, 1) + bytes(64)), 72))`,
    expect: { map: REFUSED },
    control: { expect: { map: 'ok' } },
  },
  {
    name: 'perf_event_open()',
    program: `report("perf", outcome("perf_event_open", ctypes.create_string_buffer(struct.pack("<IIQ", 1, 112, 0) + bytes(96)), 0, -1, -1, 0))`,
    expect: { perf: REFUSED },
    control: { expect: { perf: 'ok' } },
  },
  {
    name: 'io_uring',
    program: `
report("setup", outcome("io_uring_setup", 4, ctypes.create_string_buffer(120)))
report("enter", outcome("io_uring_enter", 0, 0, 0, 0, None, 0))
report("register", outcome("io_uring_register", -1, 0, None, 0))
`,
    expect: { setup: REFUSED, enter: REFUSED, register: REFUSED },
    control: { expect: { setup: 'ok', enter: ['ENOTSUP', 'EBADFD', 'EBADF'], register: ['EBADF', 'EINVAL'] } },
  },
  {
    name: 'userfaultfd()',
    program: `report("userfaultfd", outcome("userfaultfd", 0))`,
    expect: { userfaultfd: REFUSED },
    control: { expect: { userfaultfd: 'ok' } },
  },
  {
    name: 'keyrings, which are not divided by namespaces',
    program: `
report("add_key", outcome("add_key", b"user", b"isola-test", b"x", 1, -2))
report("request_key", outcome("request_key", b"user", b"isola-test-missing", None, 0))
report("keyctl", outcome("keyctl", 0, -3, 0))
`,
    expect: { add_key: REFUSED, request_key: REFUSED, keyctl: REFUSED },
    control: {
      within: [
        '/usr/bin/python3',
        '-c',
        'import ctypes,os,sys;ctypes.CDLL(None).syscall(250,1,None);os.execv(sys.argv[1],sys.argv[1:])',
      ],
      expect: { add_key: 'ok', request_key: 'ENOKEY', keyctl: ['ok', 'ENOKEY'] },
    },
  },
  {
    name: 'ptrace() of the agent, of a stranger and of an own child',
    program: `
import signal
ATTACH, SEIZE, TRACEME = 16, 0x4206, 0
report("agent", outcome("ptrace", SEIZE, 1, 0, 0))
report("spawner", outcome("ptrace", ATTACH, 2, 0, 0))
child = os.fork()
if child == 0:
    signal.pause()
report("child", outcome("ptrace", SEIZE, child, 0, 0))
os.kill(child, signal.SIGKILL)
`,
    expect: { agent: ['EPERM', 'ENOSYS'], spawner: ['EPERM', 'ENOSYS', 'ESRCH'], child: REFUSED },
    control: {
      within: [...JAIL, 'sh', '-c', 'sleep 60 & "$@"; code=$?; kill $!; exit $code', 'sh'],
      expect: { agent: 'ok', spawner: 'ok', child: 'ok' },
    },
  },
  {
    name: 'memory of other processes without ptrace()',
    program: `
buffer = ctypes.create_string_buffer(b"x" * 16)
local = ctypes.create_string_buffer(struct.pack("<QQ", ctypes.addressof(buffer), 8))
remote = ctypes.create_string_buffer(struct.pack("<QQ", ctypes.addressof(buffer), 8))
report("read", outcome("process_vm_readv", os.getpid(), local, 1, remote, 1, 0))
report("write", outcome("process_vm_writev", os.getpid(), local, 1, remote, 1, 0))
report("kcmp", outcome("kcmp", os.getpid(), os.getpid(), 0, 0, 0))
report("madvise", outcome("process_madvise", -1, None, 0, 0, 0))
`,
    expect: { read: REFUSED, write: REFUSED, kcmp: REFUSED, madvise: REFUSED },
    control: { expect: { read: 'ok', write: 'ok', kcmp: 'ok', madvise: ['EBADF', 'EINVAL'] } },
  },
  {
    name: 'taking a descriptor out of the agent',
    program: `
pidfd, opened_it = call("pidfd_open", 1, 0)
for number in range(3, 10):
    report("descriptor %d" % number, outcome("pidfd_getfd", pidfd, number, 0))
own = os.open("/dev/null", os.O_RDONLY)
report("own process", opened_it)
`,
    expect: {
      ...Object.fromEntries([3, 4, 5, 6, 7, 8, 9].map((number) => [`descriptor ${number}`, [...REFUSED, 'EBADF']])),
      'own process': ['ok', ...REFUSED],
    },
    control: {
      within: [...JAIL, 'sh', '-c', 'exec 3</dev/null 4<&3 5<&3 6<&3 7<&3 8<&3 9<&3; "$@"; exit $?', 'sh'],
      expect: {
        ...Object.fromEntries([3, 4, 5, 6, 7, 8, 9].map((number) => [`descriptor ${number}`, 'ok'])),
        'own process': 'ok',
      },
    },
  },
  {
    name: 'loading a kernel',
    program: `
report("kexec_load", outcome("kexec_load", 0, 0, None, 0xdead))
report("kexec_file_load", outcome("kexec_file_load", -1, -1, 0, None, 0xdead0000))
`,
    expect: { kexec_load: REFUSED, kexec_file_load: REFUSED },
    control: { expect: { kexec_load: ['EINVAL', 'ENOSYS'], kexec_file_load: ['EINVAL', 'ENOSYS'] } },
  },
  {
    name: 'loading and removing modules of the kernel',
    program: `
report("init_module", outcome("init_module", b"not a module", 12, b""))
report("finit_module", outcome("finit_module", -1, b"", 0))
report("delete_module", outcome("delete_module", b"isola_test_missing", 0))
`,
    expect: { init_module: REFUSED, finit_module: REFUSED, delete_module: REFUSED },
    control: {
      expect: {
        init_module: ['ENOEXEC', 'ENOSYS'],
        finit_module: ['EBADF', 'ENOSYS'],
        delete_module: ['ENOENT', 'ENOSYS'],
      },
    },
  },
  {
    name: 'restarting the host',
    program: `
report("reboot", outcome("reboot", 0, 0, 0, None))
`,
    expect: { reboot: REFUSED },
    control: { expect: { reboot: 'EINVAL' } },
  },
  {
    name: 'setting the time',
    program: `
import time
class Timespec(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]
state = ctypes.create_string_buffer(256)
call("adjtimex", state)
struct.pack_into("<I", state, 0, 0x4000)
report("adjtimex with the tick it has", outcome("adjtimex", state))
report("clock_adjtime", outcome("clock_adjtime", 0, state))
now = Timespec(*divmod(time.time_ns(), 1_000_000_000))
report("clock_settime to the time it is", outcome("clock_settime", 0, ctypes.byref(now)))
`,
    expect: {
      'adjtimex with the tick it has': REFUSED,
      clock_adjtime: REFUSED,
      'clock_settime to the time it is': REFUSED,
    },
    control: {
      expect: { 'adjtimex with the tick it has': 'ok', clock_adjtime: 'ok', 'clock_settime to the time it is': 'ok' },
    },
  },
  {
    name: 'swap, accounting and quota',
    program: `
report("swapon", outcome("swapon", b"/nowhere", 0))
report("swapoff", outcome("swapoff", b"/nowhere"))
report("acct", outcome("acct", b"/nowhere/file"))
report("quotactl", outcome("quotactl", 0x80000200, b"/nowhere", 0, None))
report("quotactl_fd", outcome("quotactl_fd", -1, 0x80000200, 0, None))
`,
    expect: { swapon: REFUSED, swapoff: REFUSED, acct: REFUSED, quotactl: REFUSED, quotactl_fd: REFUSED },
    control: {
      expect: {
        swapon: 'ENOENT',
        swapoff: 'ENOENT',
        acct: ['ENOENT', 'ENOSYS'],
        quotactl: ['ENOENT', 'ENOSYS'],
        quotactl_fd: ['EBADF', 'ENOSYS'],
      },
    },
  },
  {
    name: 'watching files of the whole mount',
    program: `report("fanotify", outcome("fanotify_init", 0, 0))`,
    expect: { fanotify: REFUSED },
    control: { expect: { fanotify: ['ok', 'ENOSYS'] } },
  },
  {
    name: 'calls that no program needs any more',
    program: `
report("nfsservctl", outcome("nfsservctl", 0, None, None))
report("lookup_dcookie", outcome("lookup_dcookie", 0, None, 0))
report("vhangup", in_child(lambda: checked("vhangup")))
report("getpid", outcome("getpid"))
`,
    expect: { nfsservctl: REFUSED, lookup_dcookie: REFUSED, vhangup: REFUSED, getpid: 'ok' },
  },
])
