// SPDX-License-Identifier: Apache-2.0
import { attacks } from './attack.ts'

/** An id that is not mapped is invalid; one that is, is forbidden. */
const NOT_ROOT = ['EPERM', 'EINVAL'] as const

const STATUS = `
status = dict(line.rstrip("\\n").split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
`
/** Of `capabilities(7)`; what root inside must not have, because it reaches beyond the sandbox. */
const BEYOND = {
  NET_ADMIN: 12,
  NET_RAW: 13,
  SYS_MODULE: 16,
  SYS_RAWIO: 17,
  SYS_PTRACE: 19,
  SYS_ADMIN: 21,
  SYS_BOOT: 22,
  SYS_RESOURCE: 24,
  SYS_TIME: 25,
  MKNOD: 27,
  AUDIT_WRITE: 29,
  SETFCAP: 31,
  SYSLOG: 34,
  BPF: 39,
  PERFMON: 38,
}

attacks('privileges', [
  {
    name: 'capabilities of a process that was just started',
    as: ['user'],
    program: `${STATUS}
for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]:
    report(name, "none" if int(status[name], 16) == 0 else status[name])
report("no_new_privs", status["NoNewPrivs"].strip())
report("seccomp", status["Seccomp"].strip())
report("ids", status["Uid"].strip())
`,
    expect: {
      CapInh: 'none',
      CapPrm: 'none',
      CapEff: 'none',
      CapBnd: 'none',
      CapAmb: 'none',
      no_new_privs: '1',
      seccomp: '2',
      ids: '1000\t1000\t1000\t1000',
    },
    control: {
      expect: {
        CapInh: 'none',
        CapPrm: ['000001ffffffffff', '000001fffeffffff'],
        CapEff: ['000001ffffffffff', '000001fffeffffff'],
        CapBnd: ['000001ffffffffff', '000001fffeffffff'],
        CapAmb: 'none',
        no_new_privs: '0',
        seccomp: '0',
        ids: '0\t0\t0\t0',
      },
    },
  },
  {
    name: 'capabilities of root that reach beyond the sandbox',
    as: ['root'],
    program: `${STATUS}
for label, number in ${JSON.stringify(BEYOND)}.items():
    held = [name for name in ["CapPrm", "CapEff", "CapBnd", "CapInh", "CapAmb"] if int(status[name], 16) >> number & 1]
    report(label, " ".join(held) or "none")
report("CHOWN", "ok" if int(status["CapEff"], 16) & 1 else "none")
report("no_new_privs", status["NoNewPrivs"].strip())
report("seccomp", status["Seccomp"].strip())
`,
    expect: {
      ...Object.fromEntries(Object.keys(BEYOND).map((name) => [name, 'none'])),
      CHOWN: 'ok',
      no_new_privs: '1',
      seccomp: '2',
    },
  },
  {
    name: 'becoming root by system call',
    as: ['user'],
    program: `
report("setuid", in_child(lambda: os.setuid(0)))
report("setreuid", in_child(lambda: os.setreuid(0, 0)))
report("setresuid", in_child(lambda: os.setresuid(0, 0, 0)))
report("setgid", in_child(lambda: os.setgid(0)))
report("setgroups", in_child(lambda: os.setgroups([0])))
report("to itself", in_child(lambda: os.setuid(os.getuid())))
`,
    expect: {
      setuid: NOT_ROOT,
      setreuid: NOT_ROOT,
      setresuid: NOT_ROOT,
      setgid: NOT_ROOT,
      setgroups: NOT_ROOT,
      'to itself': 'ok',
    },
    control: {
      expect: { setuid: 'ok', setreuid: 'ok', setresuid: 'ok', setgid: 'ok', setgroups: 'ok', 'to itself': 'ok' },
    },
  },
  {
    name: 'regaining dropped capabilities',
    program: `
header = ctypes.create_string_buffer(struct.pack("<Ii", 0x20080522, 0))
everything = ctypes.create_string_buffer(struct.pack("<6I", *[0xffffffff] * 6))
CAPSET = {"x86_64": 126, "aarch64": 91}[platform.machine()]
PRCTL = {"x86_64": 157, "aarch64": 167}[platform.machine()]
report("capset", in_child(lambda: checked(CAPSET, header, everything)))
report("ambient", in_child(lambda: checked(PRCTL, 47, 2, 21, 0, 0)))
report("securebits", in_child(lambda: checked(PRCTL, 28, 0, 0, 0, 0)))
report("no_new_privs off", in_child(lambda: checked(PRCTL, 38, 0, 0, 0, 0)))
report("no_new_privs on", in_child(lambda: checked(PRCTL, 38, 1, 0, 0, 0)))
`,
    expect: {
      capset: 'EPERM',
      ambient: ['EPERM', 'EINVAL'],
      securebits: ['EPERM', 'ok'],
      'no_new_privs off': 'EINVAL',
      'no_new_privs on': 'ok',
    },
  },
  {
    name: 'a setuid program that root inside has left behind',
    as: ['root'],
    program: `
import shutil, subprocess
shutil.copy("/usr/bin/id", "/tmp/id-of-root")
os.chown("/tmp/id-of-root", 0, 0)
report("made", attempt(lambda: os.chmod("/tmp/id-of-root", 0o4755)))
def as_user():
    os.setgroups([])
    os.setgid(1000)
    os.setuid(1000)
report("effective id", subprocess.run(["/tmp/id-of-root", "-u"], preexec_fn=as_user, capture_output=True, text=True).stdout.strip())
os.unlink("/tmp/id-of-root")
`,
    expect: { made: 'ok', 'effective id': '1000' },
    control: { expect: { made: 'ok', 'effective id': '0' } },
  },
  {
    name: 'a program with file capabilities',
    program: `
open("/tmp/capable", "w").close()
value = struct.pack("<5I", 0x02000001, 1 << 21, 0, 0, 0)
report("security.capability", attempt(lambda: os.setxattr("/tmp/capable", "security.capability", value)))
report("trusted", attempt(lambda: os.setxattr("/tmp/capable", "trusted.isola", b"x")))
report("file", attempt(lambda: open("/tmp/capable").close()))
os.unlink("/tmp/capable")
`,
    expect: { 'security.capability': ['EPERM', 'ENOTSUP'], trusted: ['EPERM', 'ENOTSUP'], file: 'ok' },
    control: { expect: { 'security.capability': 'ok', trusted: 'ok', file: 'ok' } },
  },
  {
    name: 'more than the limits of a process',
    program: `
import resource
def raise_limit(which, value):
    def action():
        try:
            resource.setrlimit(which, (value, value))
            if resource.getrlimit(which)[0] != value:
                # Told that it went well, and nothing was done.
                raise OSError(errno.EPERM, "pretended")
        except ValueError:
            raise OSError(errno.EPERM, "beyond the hard limit")
    return in_child(action)
report("raise open files", raise_limit(resource.RLIMIT_NOFILE, 10 ** 7))
attempt(lambda: resource.setrlimit(resource.RLIMIT_CORE, (4096, 4096)))
report("core after raising it", str(resource.getrlimit(resource.RLIMIT_CORE)))
report("priority", in_child(lambda: os.setpriority(os.PRIO_PROCESS, 0, -10)))
report("real time", in_child(lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))))
report("protect from the out-of-memory killer", write_file("/proc/self/oom_score_adj", b"-1000"))
report("lower limit", raise_limit(resource.RLIMIT_NOFILE, 16))
`,
    expect: {
      'raise open files': 'EPERM',
      'core after raising it': ['(1, 1)', '(0, 0)'],
      priority: ['EACCES', 'EPERM'],
      'real time': 'EPERM',
      'protect from the out-of-memory killer': ['EACCES', 'EPERM'],
      'lower limit': 'ok',
    },
  },
])
