// SPDX-License-Identifier: Apache-2.0
import { attacks, CLOSED, DENIED, JAIL, REFUSED } from './attack.ts'

const KINDS = ['NEWNS', 'NEWCGROUP', 'NEWUTS', 'NEWIPC', 'NEWUSER', 'NEWPID', 'NEWNET'] as const
const all = (outcome: string | readonly string[], labels: readonly string[] = KINDS) =>
  Object.fromEntries(labels.map((label) => [label, outcome]))

attacks('namespaces', [
  {
    name: 'unshare() of each kind of namespace',
    program: `
for kind in ${JSON.stringify(KINDS)}:
    report(kind, in_child(lambda: checked("unshare", CLONE[kind])))
`,
    expect: all(REFUSED),
    control: { within: JAIL, expect: all('ok') },
  },
  {
    name: 'clone() with each flag that makes a namespace',
    program: `
def cloned(flags):
    child = checked("clone", flags | 17, 0, 0, 0, 0)
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
report("plain", in_child(lambda: cloned(0)))
for kind in ${JSON.stringify(KINDS)}:
    report(kind, in_child(lambda: cloned(CLONE[kind])))
`,
    expect: { plain: 'ok', ...all(REFUSED) },
    control: { within: JAIL, expect: { plain: 'ok', ...all('ok') } },
  },
  {
    name: 'clone3(), whose flags a filter cannot read',
    program: `
arguments = ctypes.create_string_buffer(struct.pack("<11Q", CLONE["NEWUSER"], 0, 0, 0, 17, 0, 0, 0, 0, 0, 0))
def cloned():
    child = checked("clone3", arguments, 88)
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
report("clone3", in_child(cloned))
`,
    expect: { clone3: 'ENOSYS' },
    control: { within: JAIL, expect: { clone3: 'ok' } },
  },
  {
    name: 'setns() into namespaces of pid 1',
    program: `
for kind in ["mnt", "net", "uts", "ipc", "cgroup", "pid", "user"]:
    def enter():
        descriptor = os.open("/proc/1/ns/" + kind, os.O_RDONLY)
        checked("setns", descriptor, 0)
    report(kind, in_child(enter))
`,
    expect: all(CLOSED, ['mnt', 'net', 'uts', 'ipc', 'cgroup', 'pid', 'user']),
    // A process may not enter the user namespace it is in already, not even as root.
    control: { within: JAIL, expect: { ...all('ok', ['mnt', 'net', 'uts', 'ipc', 'cgroup', 'pid']), user: 'EINVAL' } },
  },
  {
    name: 'setns() with a pidfd of pid 1',
    program: `
def enter():
    descriptor = checked("pidfd_open", 1, 0)
    checked("setns", descriptor, CLONE["NEWUTS"])
report("setns", in_child(enter))
`,
    expect: { setns: REFUSED },
    control: { within: JAIL, expect: { setns: 'ok' } },
  },
  {
    name: 'rewriting the id maps of the own user namespace',
    program: `
# Everybody may map project ids for the own namespace once; they mean nothing outside of the initial one.
for name in ["uid_map", "gid_map", "setgroups"]:
    report(name, write_file("/proc/self/" + name, b"0 0 4294967295" if name != "setgroups" else b"allow"))
report("read", opened("/proc/self/uid_map", os.O_RDONLY))
`,
    expect: { uid_map: CLOSED, gid_map: CLOSED, setgroups: CLOSED, read: 'ok' },
  },
  {
    name: 'running as an id of the host',
    program: `
lines = [line.split() for line in open("/proc/self/uid_map")]
report("the whole host is mapped", "yes" if sum(int(line[2]) for line in lines) > 65536 else "no")
report("an id outside of the map", in_child(lambda: checked("setuid", 200000)))
`,
    expect: {
      'the whole host is mapped': 'no',
      'an id outside of the map': ['EINVAL', 'EPERM'],
    },
    control: {
      expect: {
        'the whole host is mapped': 'yes',
        'an id outside of the map': 'ok',
      },
    },
  },
  {
    name: 'changing the hostname',
    program: `
report("sethostname", in_child(lambda: checked("sethostname", b"taken", 5)))
report("setdomainname", in_child(lambda: checked("setdomainname", b"taken", 5)))
report("proc", write_file("/proc/sys/kernel/hostname", b"taken"))
`,
    expect: { sethostname: REFUSED, setdomainname: REFUSED, proc: [...DENIED, 'EROFS'] },
    control: { within: JAIL, expect: { sethostname: 'ok', setdomainname: 'ok', proc: 'ok' } },
  },
])
