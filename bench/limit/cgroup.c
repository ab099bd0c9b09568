// SPDX-License-Identifier: Apache-2.0
// Two groups per sandbox in every hierarchy. v1 groups are made and entered ahead, because entering waits
// for a grace period; v2 groups are made on the clock, because one can be born in them.
#define _GNU_SOURCE
#include "limit.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const leaves[] = {"agent", "work"};
enum { REMOVE_TRIES = 200, REMOVE_WAIT_US = 1000 };

static int write_text(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t written = write(fd, text, strlen(text));
    close(fd);
    return written < 0 ? -1 : 0;
}

static int make_in(const char *parent, const char *id) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", parent, id);
    if (mkdir(path, 0755) < 0) return -1;
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s/%s", parent, id, leaves[i]);
        if (mkdir(path, 0755) < 0) return -1;
    }
    return 0;
}

int cgroups_make_v1(const char *id) {
    for (int i = 0; i < config.cgroup_v1_count; i++)
        if (make_in(config.cgroups_v1[i], id) < 0) return -1;
    return 0;
}

int cgroups_attach_self_v1(const char *id, const char *leaf) {
    char path[PATH_BYTES];
    for (int i = 0; i < config.cgroup_v1_count; i++) {
        snprintf(path, sizeof path, "%s/%s/%s/cgroup.procs", config.cgroups_v1[i], id, leaf);
        if (write_text(path, "0") < 0) return -1;
    }
    return 0;
}

int cgroups_settle(const char *seat, const char *id) {
    char from[PATH_BYTES], to[PATH_BYTES], path[PATH_BYTES];
    for (int i = 0; i < config.cgroup_v1_count; i++) {
        snprintf(from, sizeof from, "%s/%s", config.cgroups_v1[i], seat);
        snprintf(to, sizeof to, "%s/%s", config.cgroups_v1[i], id);
        if (rename(from, to) < 0) return -1;
        // The one limit that a sandbox has when nobody asks for others.
        snprintf(path, sizeof path, "%s/work/pids.max", to);
        if (access(path, F_OK) == 0 && write_text(path, "4096") < 0) return -1;
    }
    return config.cgroup_v2 ? make_in(config.cgroup_v2, id) : 0;
}

int cgroup_open_v2(const char *id, const char *leaf) {
    char path[PATH_BYTES];
    if (!config.cgroup_v2) return -1;
    snprintf(path, sizeof path, "%s/%s/%s", config.cgroup_v2, id, leaf);
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int remove_group(const char *path) {
    char force[PATH_BYTES + 32];
    snprintf(force, sizeof force, "%s/memory.force_empty", path);
    write_text(force, "0");
    for (int i = 0; i < REMOVE_TRIES; i++) {
        if (rmdir(path) == 0 || errno == ENOENT) return 0;
        if (errno != EBUSY) return -1;
        usleep(REMOVE_WAIT_US);
    }
    return -1;
}

static int remove_in(const char *parent, const char *id) {
    char path[PATH_BYTES];
    int result = 0;
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s/%s", parent, id, leaves[i]);
        result |= remove_group(path);
    }
    snprintf(path, sizeof path, "%s/%s", parent, id);
    return result | remove_group(path);
}

int cgroups_remove(const char *id) {
    char seat[48];
    int result = 0;
    // A create that failed early has not given its seat's groups their name.
    snprintf(seat, sizeof seat, "seat-%s", id);
    for (int i = 0; i < config.cgroup_v1_count; i++)
        result |= remove_in(config.cgroups_v1[i], id) | remove_in(config.cgroups_v1[i], seat);
    return config.cgroup_v2 ? result | remove_in(config.cgroup_v2, id) : result;
}
