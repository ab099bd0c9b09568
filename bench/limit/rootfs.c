// SPDX-License-Identifier: Apache-2.0
// Inside the new namespaces: two overlays, proc, dev, masks, binds, pivot.
#define _GNU_SOURCE
#include "limit.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct progress *progress;
static char root[PATH_BYTES];

static const char *inside(const char *path) {
    static char full[2 * PATH_BYTES];
    snprintf(full, sizeof full, "%s%s", root, path);
    return full;
}

static void must_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data) {
    if (mount(source, inside(target), type, flags, data) < 0) give_up(progress, target);
}

static void make_file(const char *path) {
    int fd = open(inside(path), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd >= 0) close(fd);
}

static void overlay(const char *kind, int lower_count, const char *target) {
    char options[4096], name[PATH_BYTES];
    size_t used = (size_t)snprintf(options, sizeof options, "userxattr,lowerdir=");
    for (int i = 0; i < lower_count; i++) {
        stage_name(name, kind, i);
        used += (size_t)snprintf(options + used, sizeof options - used, "%s%s", i ? ":" : "", name);
    }
    stage_name(name, "layer", 0);
    snprintf(options + used, sizeof options - used, ",upperdir=%s/%s,workdir=%s/work-%s", name, kind, name, kind);
    must_mount("overlay", target, "overlay", MS_NOSUID | MS_NODEV, options);
}

static void devices(void) {
    must_mount("dev", "/dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755,size=64k");
    for (size_t i = 0; i < DEVICES; i++) {
        make_file(device_names[i]);
        must_mount(device_names[i], device_names[i], NULL, MS_BIND, NULL);
    }
    mkdir(inside("/dev/pts"), 0755);
    mkdir(inside("/dev/shm"), 01777);
    must_mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5");
    must_mount("shm", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777,size=64m");
    if (symlink("pts/ptmx", inside("/dev/ptmx")) < 0 || symlink("/proc/self/fd", inside("/dev/fd")) < 0 ||
        symlink("/proc/self/fd/0", inside("/dev/stdin")) < 0 || symlink("/proc/self/fd/1", inside("/dev/stdout")) < 0 ||
        symlink("/proc/self/fd/2", inside("/dev/stderr")) < 0)
        give_up(progress, "/dev links");
}

static void masks(void) {
    static const char *const hidden_files[] = {"/proc/kcore",       "/proc/keys",        "/proc/latency_stats",
                                               "/proc/timer_list",  "/proc/sched_debug", "/proc/interrupts",
                                               "/proc/timer_stats"};
    static const char *const hidden_dirs[] = {"/proc/acpi", "/proc/asound", "/proc/scsi"};
    static const char *const readonly[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
    const unsigned long locked = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    for (size_t i = 0; i < sizeof hidden_files / sizeof *hidden_files; i++)
        if (access(inside(hidden_files[i]), F_OK) == 0) must_mount("/dev/null", hidden_files[i], NULL, MS_BIND, NULL);
    for (size_t i = 0; i < sizeof hidden_dirs / sizeof *hidden_dirs; i++)
        if (access(inside(hidden_dirs[i]), F_OK) == 0)
            must_mount("mask", hidden_dirs[i], "tmpfs", MS_RDONLY | locked, "size=0,mode=0555");
    for (size_t i = 0; i < sizeof readonly / sizeof *readonly; i++) {
        if (access(inside(readonly[i]), F_OK) != 0) continue;
        char source[2 * PATH_BYTES];
        snprintf(source, sizeof source, "%s", inside(readonly[i]));
        must_mount(source, readonly[i], NULL, MS_BIND, NULL);
        must_mount(NULL, readonly[i], NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | locked, NULL);
    }
}

static void make_parents(const char *path) {
    char parent[PATH_BYTES];
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(parent, sizeof parent, "%.*s", (int)(slash - path), path);
        mkdir(inside(parent), 0755);
    }
}

static void binds(void) {
    for (int i = 0; i < config.bind_count; i++) {
        const char *target = config.binds[i].target;
        char source[PATH_BYTES];
        struct stat st;
        make_parents(target);
        stage_name(source, "bind", i);
        if (stat(source, &st) < 0) give_up(progress, config.binds[i].source);
        if (S_ISDIR(st.st_mode)) mkdir(inside(target), 0755);
        else make_file(target);
        must_mount(source, target, NULL, MS_BIND, NULL);
    }
}

void rootfs_build(struct progress *shared) {
    progress = shared;
    stage_name(root, "new", 0);
    overlay("root", config.root_lower_count, "");
    if (config.usr_lower_count) overlay("usr", config.usr_lower_count, "/usr");
    must_mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=invisible,gid=0");
    devices();
    must_mount("sys", "/sys", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=0,mode=0555");
    masks();
    binds();
    if (chdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        give_up(progress, "pivot_root");
    if (sethostname("isola", 5) < 0) give_up(progress, "sethostname");
}
