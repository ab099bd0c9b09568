// SPDX-License-Identifier: Apache-2.0
// Pid 1 from its birth to its exec.
#define _GNU_SOURCE
#include "limit.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

void become_inside(struct progress *progress) {
    if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0) give_up(progress, "become root inside");
    setsid();
    umask(022);
}

void first_run(struct sandbox *sandbox, const struct first *first) {
    struct progress *progress = sandbox->progress;
    const struct rlimit no_core = {0, 0};
    char byte;
    if (read(first->release_read, &byte, 1) != 1) _exit(1);
    become_inside(progress);
    if (unshare(CLONE_NEWNS) < 0) give_up(progress, "unshare mounts");
    rootfs_build(progress);
    if (write(first->status_write, "m", 1) != 1) give_up(progress, "report");

    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int stream = 0; stream < 3; stream++) dup2(null, stream);
    setrlimit(RLIMIT_CORE, &no_core);
    if (dup2(first->agent_socket, 3) < 0 || close_range(4, ~0u, CLOSE_RANGE_CLOEXEC) < 0) give_up(progress, "descriptors");
    char *argv[] = {"standin-agent", NULL}, *environment[] = {NULL};
    syscall(SYS_execveat, self_memfd, "", argv, environment, AT_EMPTY_PATH);
    give_up(progress, "exec agent");
}
