# SPDX-License-Identifier: Apache-2.0
# Runs before every attack program, inside a sandbox and, for the control, on the bare host.
# An attack reports each step with the name of the errno it met, or `ok` when nothing stopped it.
import ctypes
import errno
import json
import os
import platform
import socket
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)

NUMBERS = {
    "x86_64": dict(
        ioctl=16, mremap=25, pause=34, clone=56, ptrace=101, syslog=103, mknod=133, personality=135, modify_ldt=154,
        pivot_root=155, adjtimex=159, settimeofday=164, chroot=161, acct=163, mount=165, umount2=166,
        swapon=167, swapoff=168, reboot=169, sethostname=170, setdomainname=171, iopl=172, ioperm=173,
        init_module=175, delete_module=176, quotactl=179, nfsservctl=180, lookup_dcookie=212,
        clock_settime=227, mbind=237, kexec_load=246, add_key=248, request_key=249, keyctl=250, unshare=272,
        move_pages=279, perf_event_open=298, fanotify_init=300, name_to_handle_at=303, open_by_handle_at=304,
        clock_adjtime=305, setns=308, process_vm_readv=310, process_vm_writev=311, kcmp=312, finit_module=313,
        kexec_file_load=320, bpf=321, userfaultfd=323, pidfd_send_signal=424, io_uring_setup=425,
        io_uring_enter=426, io_uring_register=427, open_tree=428, move_mount=429, fsopen=430, fsconfig=431,
        fsmount=432, fspick=433, pidfd_open=434, clone3=435, pidfd_getfd=438, process_madvise=440,
        mount_setattr=442, quotactl_fd=443, memfd_secret=447, getpid=39, setuid=105, setgid=106, vhangup=153,
        statmount=457, listmount=458,
    ),
    "aarch64": dict(
        ioctl=29, mremap=216, clone=220, ptrace=117, syslog=116, personality=92, pivot_root=41, adjtimex=171,
        settimeofday=170, chroot=51, acct=89, mount=40, umount2=39, swapon=224, swapoff=225, reboot=142,
        sethostname=161, setdomainname=162, init_module=105, delete_module=106, quotactl=60, nfsservctl=42,
        lookup_dcookie=18, clock_settime=112, mbind=235, kexec_load=104, add_key=217, request_key=218, keyctl=219,
        unshare=97, move_pages=239, perf_event_open=241, fanotify_init=262, name_to_handle_at=264,
        open_by_handle_at=265, clock_adjtime=266, setns=268, process_vm_readv=270, process_vm_writev=271, kcmp=272,
        finit_module=273, kexec_file_load=294, bpf=280, userfaultfd=282, pidfd_send_signal=424, io_uring_setup=425,
        io_uring_enter=426, io_uring_register=427, open_tree=428, move_mount=429, fsopen=430, fsconfig=431,
        fsmount=432, fspick=433, pidfd_open=434, clone3=435, pidfd_getfd=438, process_madvise=440,
        mount_setattr=442, quotactl_fd=443, memfd_secret=447, getpid=172, setuid=146, setgid=144, vhangup=58,
        statmount=457, listmount=458,
    ),
}[platform.machine()]

CLONE = dict(
    NEWTIME=0x80, NEWNS=0x20000, NEWCGROUP=0x2000000, NEWUTS=0x4000000, NEWIPC=0x8000000,
    NEWUSER=0x10000000, NEWPID=0x20000000, NEWNET=0x40000000,
)


def call(name, *arguments):
    """Makes a system call; returns (result, `ok` or the name of its errno)."""
    values = [value if isinstance(value, (bytes, ctypes.Array, ctypes._Pointer)) or value is None
              or type(value).__name__ == "CArgObject" else ctypes.c_long(value) for value in arguments]
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(NUMBERS[name] if isinstance(name, str) else name), *values)
    return result, "ok" if result != -1 else errno.errorcode.get(ctypes.get_errno(), str(ctypes.get_errno()))


def outcome(name, *arguments):
    return call(name, *arguments)[1]


def attempt(action):
    """`ok`, or the name of the errno that the Python call raised."""
    try:
        action()
        return "ok"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))


def in_child(action):
    """Like `attempt`, in a process of its own, so that what succeeds does not change this one."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        result = attempt(action)
        os.write(write_end, result.encode())
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as reader:
        text = reader.read()
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        return "signal %d" % os.WTERMSIG(status)
    return text


def checked(name, *arguments):
    """A system call that raises OSError, for `attempt` and `in_child`."""
    result = call(name, *arguments)[0]
    if result == -1:
        raise OSError(ctypes.get_errno(), name if isinstance(name, str) else str(name))
    return result


def opened(path, flags):
    """Opens and closes; for a read also takes a byte, because some files refuse only then."""
    def action():
        descriptor = os.open(path, flags)
        try:
            if flags & os.O_ACCMODE == os.O_RDONLY:
                os.read(descriptor, 1)
        finally:
            os.close(descriptor)
    return attempt(action)


def write_file(path, content):
    def action():
        descriptor = os.open(path, os.O_WRONLY)
        try:
            os.write(descriptor, content)
        finally:
            os.close(descriptor)
    return attempt(action)


def report(label, result):
    print(json.dumps([label, result]), flush=True)
