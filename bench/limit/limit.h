// SPDX-License-Identifier: Apache-2.0
// The limit program: the kernel work of one create and one command, and nothing else.
// Its time is the floor that the benchmark divides by.
//
// It makes ahead of the clock what the launcher makes ahead of a create (a network namespace, the stage,
// a seat and an entrant that wait in their cgroups, a layer), does the same things in the same order after that,
// and has no protocol, no records and no error handling worth the name.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { MAX_PATHS = 32, MAX_HIERARCHIES = 8, PATH_BYTES = 512, MARKS = 16, DEVICES = 6 };

struct bind {
    const char *source, *target;
};

struct config {
    const char *root_lowers[MAX_PATHS], *usr_lowers[MAX_PATHS];
    struct bind binds[MAX_PATHS];
    int root_lower_count, usr_lower_count, bind_count;
    const char *layers; // directory in which each create makes its writable layer
    const char *places; // directory in which each create has its socket
    bool subvolume;     // the layer is a btrfs subvolume, else a plain directory
    // Directories that are ours to make children in: v1, one per hierarchy, and v2.
    const char *cgroups_v1[MAX_HIERARCHIES], *cgroup_v2;
    int cgroup_v1_count;
    unsigned uid_base;
};

enum mark { BEGIN, ORDERED, FILES, CGROUPS, SOURCES, STAGE, CLONED, MAPPED, IDMAPPED, MOUNTED, EXECED, FIRST_BYTE };
extern const char *const mark_names[];

// Shared by all processes of one create: where it stands, and when it got there.
struct progress {
    uint64_t at_ns[MARKS];
    int failed_errno;
    char failed_step[64];
    pid_t pid1;
};

struct sandbox {
    char id[32], layer[PATH_BYTES];
    const char *nonce;
    struct progress *progress;
    int output_read, output_write;
    int order_pipe, warm_write; // the seat reads its order here, and says here that it waits
    int netns_fd;
};

extern struct config config;
extern int self_memfd; // sealed copy of this program, executed in place of agent and spawner
extern int stage_fd;   // the mount namespace that each create starts from
extern const char *const device_names[DEVICES];

uint64_t now_ns(void);
void mark(struct progress *progress, enum mark which);
// Ends the calling process after writing down which step failed.
_Noreturn void give_up(struct progress *progress, const char *step);

int command_create(const char *nonce);
int command_spawn(char *const argv[]);
void print_text(const char *name, const char *text, size_t length);

int layer_make(const char *path);
int layer_remove(const char *path);
int netns_make(void);
int stage_make(void);
// What a lower, a bind or the layer is called in the stage, which is the root of pid 1 at first.
void stage_name(char *out, const char *kind, int index);

int cgroups_make_v1(const char *id);
int cgroups_attach_self_v1(const char *id, const char *leaf);
// Everything that the clock has to cover: names, limits, and the v2 directories.
int cgroups_settle(const char *seat, const char *id);
int cgroup_open_v2(const char *id, const char *leaf);
int cgroups_remove(const char *id);

// A process that is born in a v2 cgroup and in new namespaces.
pid_t clone_into(uint64_t namespaces, int cgroup_fd, int *pidfd);
// Waits in its cgroups, then makes a sandbox when told to.
_Noreturn void seat_run(struct sandbox *sandbox);
// Inside the new namespaces: ids, mounts, exec.
struct first {
    int release_read, status_write, agent_socket;
};
_Noreturn void first_run(struct sandbox *sandbox, const struct first *first);
void become_inside(struct progress *progress);
void rootfs_build(struct progress *progress);

// Waits in `work`, then brings the spawner in from there.
struct entrant {
    int channel;
};
struct entrant entrant_start(struct sandbox *sandbox, const char *seat);
int send_descriptors(int socket, const int *descriptors, size_t count);
int receive_descriptors(int socket, int *descriptors, size_t count);

int seccomp_install(void);
_Noreturn void standin_agent(void);
_Noreturn void standin_spawner(const char *nonce);
