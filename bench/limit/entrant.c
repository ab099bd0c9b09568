// SPDX-License-Identifier: Apache-2.0
// Waits in the `work` cgroup and brings the spawner into the sandbox from there: it is never attached.
#define _GNU_SOURCE
#include "limit.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_DESCRIPTORS = 8 };
enum received { PIDFD, SPAWNER_SOCKET, STATUS, WORK_V2, MOUNTED_READ, RECEIVED };

int send_descriptors(int socket, const int *descriptors, size_t count) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(MOST_DESCRIPTORS * sizeof(int))];
    } control = {0};
    struct iovec byte = {"e", 1};
    struct msghdr message = {.msg_iov = &byte, .msg_iovlen = 1, .msg_control = &control};
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    control.header = (struct cmsghdr){CMSG_LEN(count * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.header), descriptors, count * sizeof(int));
    return sendmsg(socket, &message, 0) == 1 ? 0 : -1;
}

int receive_descriptors(int socket, int *descriptors, size_t count) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(MOST_DESCRIPTORS * sizeof(int))];
    } control;
    char byte;
    struct iovec into = {&byte, 1};
    struct msghdr message = {.msg_iov = &into, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1) return -1;
    memcpy(descriptors, CMSG_DATA(&control.header), count * sizeof(int));
    return 0;
}

static void start_spawner(struct sandbox *sandbox, const int *received) {
    struct progress *progress = sandbox->progress;
    char byte;
    if (read(received[MOUNTED_READ], &byte, 1) != 1) _exit(0);
    if (setns(received[PIDFD], CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) < 0)
        give_up(progress, "enter namespaces");
    become_inside(progress);
    if (unshare(CLONE_NEWCGROUP) < 0) give_up(progress, "unshare cgroup namespace");
    pid_t spawner = fork();
    if (spawner < 0) give_up(progress, "fork spawner");
    if (spawner > 0) _exit(0);
    while (getppid() != 1) sched_yield();
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int stream = 0; stream < 3; stream++) dup2(null, stream);
    int socket = fcntl(received[SPAWNER_SOCKET], F_DUPFD, 64), output = fcntl(sandbox->output_write, F_DUPFD, 64);
    int program = fcntl(self_memfd, F_DUPFD_CLOEXEC, 64);
    if (dup2(socket, 3) < 0 || dup2(output, 4) < 0 || close_range(5, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
        give_up(progress, "descriptors");
    char *argv[] = {"standin-spawner", (char *)sandbox->nonce, NULL}, *environment[] = {NULL};
    syscall(SYS_execveat, program, "", argv, environment, AT_EMPTY_PATH);
    give_up(progress, "exec spawner");
}

static void wait_and_enter(struct sandbox *sandbox, int channel, const char *seat) {
    int received[RECEIVED];
    if (cgroups_attach_self_v1(seat, "work") < 0) give_up(sandbox->progress, "attach to work");
    if (write(channel, "a", 1) != 1 || receive_descriptors(channel, received, RECEIVED) < 0) _exit(0);
    prctl(PR_SET_PDEATHSIG, 0);
    if (setns(received[PIDFD], CLONE_NEWPID) < 0) give_up(sandbox->progress, "enter pid namespace");
    int into = config.cgroup_v2 ? received[WORK_V2] : -1;
    pid_t inside = clone_into(0, into, NULL);
    if (inside < 0) give_up(sandbox->progress, "clone into work");
    if (inside == 0) start_spawner(sandbox, received);
    waitpid(inside, NULL, 0);
}

struct entrant entrant_start(struct sandbox *sandbox, const char *seat) {
    int pair[2];
    char byte;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) give_up(sandbox->progress, "socketpair");
    pid_t entrant = fork();
    if (entrant < 0) give_up(sandbox->progress, "fork entrant");
    if (entrant == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        wait_and_enter(sandbox, pair[1], seat);
        _exit(0);
    }
    close(pair[1]);
    if (read(pair[0], &byte, 1) != 1) give_up(sandbox->progress, "start entrant");
    return (struct entrant){pair[0]};
}
