// SPDX-License-Identifier: Apache-2.0
// A process that waits in the sandbox's `agent` cgroup and makes the sandbox from there.
#define _GNU_SOURCE
#include "limit.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

struct trees {
    int root[MAX_PATHS], usr[MAX_PATHS], binds[MAX_PATHS], layer;
};

pid_t clone_into(uint64_t namespaces, int cgroup_fd, int *pidfd) {
    struct clone_args args = {
        .flags = namespaces | (cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0) | (pidfd ? CLONE_PIDFD : 0),
        .cgroup = cgroup_fd >= 0 ? (uint64_t)cgroup_fd : 0,
        .pidfd = (uint64_t)(uintptr_t)pidfd,
        .exit_signal = SIGCHLD,
    };
    return (pid_t)syscall(SYS_clone3, &args, sizeof args);
}

static void write_map(struct progress *progress, pid_t pid, const char *name) {
    char path[64], map[64];
    int length = snprintf(map, sizeof map, "0 %u 65536\n", config.uid_base);
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, map, (size_t)length) < 0) give_up(progress, name);
    close(fd);
}

// A detached mount of what the host has there. It has to be made before the host's tree is left.
static int clone_tree(struct progress *progress, const char *source) {
    int tree = open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0) give_up(progress, source);
    return tree;
}

static void open_trees(struct sandbox *sandbox, struct trees *trees) {
    struct progress *progress = sandbox->progress;
    for (int i = 0; i < config.root_lower_count; i++) trees->root[i] = clone_tree(progress, config.root_lowers[i]);
    for (int i = 0; i < config.usr_lower_count; i++) trees->usr[i] = clone_tree(progress, config.usr_lowers[i]);
    for (int i = 0; i < config.bind_count; i++) trees->binds[i] = clone_tree(progress, config.binds[i].source);
    trees->layer = clone_tree(progress, sandbox->layer);
}

static void attach(struct progress *progress, int tree, const char *kind, int index, uint64_t flags, int userns) {
    char target[PATH_BYTES];
    struct mount_attr attributes = {
        .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | flags,
        .userns_fd = (uint64_t)userns,
    };
    stage_name(target, kind, index);
    if (mount_setattr(tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) < 0) give_up(progress, "mount_setattr");
    if (move_mount(tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0) give_up(progress, "move_mount");
    close(tree);
}

// Ids on disk are canonical: lowers and the layer are seen through the sandbox's own id map.
static void fill_stage(struct progress *progress, const struct trees *trees, pid_t pid1) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/user", pid1);
    int userns = open(path, O_RDONLY | O_CLOEXEC);
    if (userns < 0) give_up(progress, "userns");
    const uint64_t lower = MOUNT_ATTR_IDMAP | MOUNT_ATTR_RDONLY;
    for (int i = 0; i < config.root_lower_count; i++) attach(progress, trees->root[i], "root", i, lower, userns);
    for (int i = 0; i < config.usr_lower_count; i++) attach(progress, trees->usr[i], "usr", i, lower, userns);
    for (int i = 0; i < config.bind_count; i++) attach(progress, trees->binds[i], "bind", i, MOUNT_ATTR_RDONLY, 0);
    attach(progress, trees->layer, "layer", 0, MOUNT_ATTR_IDMAP, userns);
    close(userns);
}

static void name_below(char *out, const char *directory, const char *name) { snprintf(out, PATH_BYTES, "%s/%s", directory, name); }

// The agent's socket: its name lies on the host, the socket itself belongs to the sandbox's network.
static void listen_at(struct sandbox *sandbox) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "agent.sock"};
    char place[PATH_BYTES];
    name_below(place, config.places, sandbox->id);
    if (chdir(place) < 0) give_up(sandbox->progress, "place of the socket");
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 8) < 0)
        give_up(sandbox->progress, "listen");
}

// What was made ahead under the name of the seat gets that of the sandbox.
static void take_name(struct sandbox *sandbox, const char *seat) {
    char from[PATH_BYTES], to[PATH_BYTES];
    name_below(from, config.places, seat);
    name_below(to, config.places, sandbox->id);
    if (rename(from, to) < 0) give_up(sandbox->progress, "rename place");
    name_below(from, config.layers, seat);
    if (rename(from, sandbox->layer) < 0) give_up(sandbox->progress, "rename layer");
}

static void make_ahead(struct sandbox *sandbox, const char *seat) {
    char path[PATH_BYTES];
    name_below(path, config.places, seat);
    if (mkdir(path, 0700) < 0) give_up(sandbox->progress, "make place");
    name_below(path, config.layers, seat);
    if (layer_make(path) < 0) give_up(sandbox->progress, "make layer");
    if (cgroups_make_v1(seat) < 0) give_up(sandbox->progress, "make cgroups");
}

static void make(struct sandbox *sandbox, const char *seat, struct entrant entrant) {
    struct progress *progress = sandbox->progress;
    struct trees trees;
    int release[2], status[2], mounted[2], sockets[2], pidfd;
    char byte;
    take_name(sandbox, seat);
    mark(progress, FILES);
    if (cgroups_settle(seat, sandbox->id) < 0) give_up(progress, "settle cgroups");
    mark(progress, CGROUPS);
    open_trees(sandbox, &trees);
    if (setns(sandbox->netns_fd, CLONE_NEWNET) < 0) give_up(progress, "enter network");
    listen_at(sandbox);
    mark(progress, SOURCES);
    int agent_v2 = cgroup_open_v2(sandbox->id, "agent"), work_v2 = cgroup_open_v2(sandbox->id, "work");
    if (setns(stage_fd, CLONE_NEWNS) < 0 || unshare(CLONE_NEWNS) < 0) give_up(progress, "enter the stage");
    if (pipe2(release, O_CLOEXEC) < 0 || pipe2(status, O_CLOEXEC) < 0 || pipe2(mounted, O_CLOEXEC) < 0)
        give_up(progress, "pipe");
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0) give_up(progress, "socketpair");
    mark(progress, STAGE);

    const uint64_t namespaces = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
    pid_t pid1 = clone_into(namespaces, agent_v2, &pidfd);
    if (pid1 < 0) give_up(progress, "clone");
    if (pid1 == 0) first_run(sandbox, &(struct first){release[0], status[1], sockets[0]});
    progress->pid1 = pid1;
    close(release[0]);
    mark(progress, CLONED);
    write_map(progress, pid1, "uid_map");
    write_map(progress, pid1, "gid_map");
    mark(progress, MAPPED);
    fill_stage(progress, &trees, pid1);
    mark(progress, IDMAPPED);
    if (write(release[1], "r", 1) != 1) _exit(1);
    // The entrant is on its way while pid 1 mounts.
    const int descriptors[] = {pidfd, sockets[1], status[1], work_v2 >= 0 ? work_v2 : pidfd, mounted[0]};
    if (send_descriptors(entrant.channel, descriptors, sizeof descriptors / sizeof *descriptors) < 0)
        give_up(progress, "tell the entrant");
    close(status[1]);
    if (read(status[0], &byte, 1) != 1 || write(mounted[1], "m", 1) != 1) _exit(1);
    mark(progress, MOUNTED);
    // Both ends of it are closed by the exec of agent and spawner.
    if (read(status[0], &byte, 1) != 0) _exit(1);
    mark(progress, EXECED);
}

void seat_run(struct sandbox *sandbox) {
    struct progress *progress = sandbox->progress;
    char seat[48], byte;
    snprintf(seat, sizeof seat, "seat-%s", sandbox->id);
    make_ahead(sandbox, seat);
    struct entrant entrant = entrant_start(sandbox, seat);
    if (cgroups_attach_self_v1(seat, "agent") < 0) give_up(progress, "attach to agent");
    if (write(sandbox->warm_write, "w", 1) != 1 || read(sandbox->order_pipe, &byte, 1) != 1) _exit(0);
    mark(progress, ORDERED);
    make(sandbox, seat, entrant);
    _exit(0);
}
