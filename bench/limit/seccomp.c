// SPDX-License-Identifier: Apache-2.0
// A filter of the size of the real one: foreign architectures die, calls are allowed by ranges of their
// numbers alone, so that the kernel can remember its decision for each.
#define _GNU_SOURCE
#include "limit.h"
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LAST_CALL = 470, PROGRAM_SIZE = 256 };

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#endif

static int is_refused(unsigned call) {
    static const unsigned refused[] = {
        SYS_bpf,         SYS_perf_event_open, SYS_keyctl,     SYS_add_key,      SYS_request_key, SYS_ptrace,
        SYS_kexec_load,  SYS_init_module,     SYS_mount,      SYS_umount2,      SYS_move_mount,  SYS_open_tree,
        SYS_fsopen,      SYS_fsmount,         SYS_fsconfig,   SYS_fspick,       SYS_setns,       SYS_unshare,
        SYS_swapon,      SYS_swapoff,         SYS_reboot,     SYS_pivot_root,   SYS_acct,        SYS_userfaultfd,
        SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_open_by_handle_at, SYS_delete_module,
        SYS_finit_module,
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (refused[i] == call) return 1;
    return call > 335 && call < 424; // a hole in the table of calls
}

int seccomp_install(void) {
    static struct sock_filter program[PROGRAM_SIZE];
    unsigned short used = 0;
    program[used++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    program[used++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0);
    program[used++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    program[used++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    // From the highest number down: at each border between refused and allowed, what holds from there on.
    for (unsigned call = LAST_CALL; call > 0 && used + 4 < PROGRAM_SIZE; call--) {
        if (call != LAST_CALL && is_refused(call) == is_refused(call - 1)) continue;
        unsigned decision = is_refused(call) || call == LAST_CALL ? SECCOMP_RET_ERRNO | EPERM : SECCOMP_RET_ALLOW;
        program[used++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, call, 0, 1);
        program[used++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, decision);
    }
    program[used++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog filter = {.len = used, .filter = program};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter);
}
