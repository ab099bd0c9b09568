// SPDX-License-Identifier: Apache-2.0
// Stand-ins for the agent and its spawner: what they ask of the kernel before a first command runs.
#define _GNU_SOURCE
#include "limit.h"
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SOCKET = 3, OUTPUT = 4, USER_ID = 1000, STACK_BYTES = 65536 };

static void drop_capabilities(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
        if (prctl(PR_CAPBSET_DROP, cap) < 0) _exit(97);
    if (setgroups(0, NULL) < 0 || setresgid(USER_ID, USER_ID, USER_ID) < 0 || setresuid(USER_ID, USER_ID, USER_ID) < 0)
        _exit(97);
    if (syscall(SYS_capset, &header, none) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) _exit(97);
}

static int run_echo(void *nonce) {
    char *argv[] = {"echo", nonce, NULL}, *environment[] = {"PATH=/usr/bin", NULL};
    setsid();
    if (dup2(OUTPUT, 1) < 0 || close_range(3, ~0u, 0) < 0) _exit(96);
    drop_capabilities();
    execve("/usr/bin/echo", argv, environment);
    _exit(98);
}

static void lock_down(void) {
    prctl(PR_SET_DUMPABLE, 0);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || seccomp_install() < 0) _exit(95);
}

void standin_spawner(const char *nonce) {
    static char stack[STACK_BYTES] __attribute__((aligned(16)));
    char byte;
    lock_down();
    if (recv(SOCKET, &byte, 1, 0) != 1) _exit(94);
    if (clone(run_echo, stack + STACK_BYTES, CLONE_VM | CLONE_VFORK | CLONE_PARENT | SIGCHLD, (void *)nonce) < 0) _exit(93);
    for (;;) pause();
}

void standin_agent(void) {
    lock_down();
    if (send(SOCKET, "g", 1, 0) != 1) _exit(94);
    for (;;) pause();
}
