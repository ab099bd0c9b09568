// SPDX-License-Identifier: Apache-2.0
// A small mount namespace, made once, from which each create starts: copying the host's own tree of
// mounts would cost more, and would have to be taken apart again.
#define _GNU_SOURCE
#include "limit.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(int result, const char *what) {
    if (result >= 0) return;
    fprintf(stderr, "limit: stage: %s: %s\n", what, strerror(errno));
    exit(2);
}

static void make_file(const char *path) { must(close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644)), path); }

void stage_name(char *out, const char *kind, int index) { snprintf(out, PATH_BYTES, "/%s%d", kind, index); }

static void make_places(void) {
    static const char *const directories[] = {"proc", "dev", "new0", "layer0"};
    char path[PATH_BYTES];
    struct stat st;
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) must(mkdir(directories[i], 0755), directories[i]);
    for (int i = 0; i < config.root_lower_count; i++) stage_name(path, "root", i), must(mkdir(path + 1, 0755), path);
    for (int i = 0; i < config.usr_lower_count; i++) stage_name(path, "usr", i), must(mkdir(path + 1, 0755), path);
    for (int i = 0; i < config.bind_count; i++) {
        stage_name(path, "bind", i);
        must(stat(config.binds[i].source, &st), config.binds[i].source);
        if (S_ISDIR(st.st_mode)) must(mkdir(path + 1, 0755), path);
        else make_file(path + 1);
    }
}

static int build(void) {
    char target[PATH_BYTES];
    must(unshare(CLONE_NEWNS), "unshare");
    must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "make private");
    must(mount("stage", config.layers, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755"), "mount");
    must(chdir(config.layers), "enter");
    make_places();
    must(mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "proc");
    for (size_t i = 0; i < DEVICES; i++) {
        snprintf(target, sizeof target, ".%s", device_names[i]);
        make_file(target);
        must(mount(device_names[i], target, NULL, MS_BIND, NULL), device_names[i]);
    }
    must((int)syscall(SYS_pivot_root, ".", "."), "pivot");
    must(umount2(".", MNT_DETACH), "detach");
    int made = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    must(made, "/proc/self/ns/mnt");
    return made;
}

int stage_make(void) {
    int home = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    must(home, "/proc/self/ns/mnt");
    int made = build();
    must(setns(home, CLONE_NEWNS), "return");
    close(home);
    return made;
}
