// SPDX-License-Identifier: Apache-2.0
// The writable layer of one create, and the network namespaces that wait for one.
#define _GNU_SOURCE
#include "limit.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/btrfs.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const parts[] = {"root", "usr", "work-root", "work-usr"};

static int subvolume(const char *path, unsigned long request) {
    struct btrfs_ioctl_vol_args args = {0};
    int parent = open(config.layers, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0) return -1;
    snprintf(args.name, sizeof args.name, "%s", strrchr(path, '/') + 1);
    int result = ioctl(parent, request, &args);
    close(parent);
    return result;
}

int layer_make(const char *path) {
    char part[PATH_BYTES + 32];
    if ((config.subvolume ? subvolume(path, BTRFS_IOC_SUBVOL_CREATE) : mkdir(path, 0755)) < 0) return -1;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        snprintf(part, sizeof part, "%s/%s", path, parts[i]);
        if (mkdir(part, 0755) < 0) return -1;
    }
    return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at) {
    (void)st, (void)type, (void)at;
    return remove(path);
}

int layer_remove(const char *path) {
    if (config.subvolume) return subvolume(path, BTRFS_IOC_SNAP_DESTROY);
    return nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static int loopback_up(void) {
    struct ifreq request = {.ifr_flags = IFF_UP | IFF_RUNNING};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    snprintf(request.ifr_name, sizeof request.ifr_name, "lo");
    int result = ioctl(fd, SIOCSIFFLAGS, &request);
    close(fd);
    return result;
}

// Owned by the user namespace of this program: whoever is root inside a sandbox has no power over it.
int netns_make(void) {
    int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), made = -1;
    if (home < 0 || unshare(CLONE_NEWNET) < 0) return -1;
    int port = open("/proc/sys/net/ipv4/ip_unprivileged_port_start", O_WRONLY | O_CLOEXEC);
    if (loopback_up() == 0 && port >= 0 && write(port, "0", 1) == 1) made = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (port >= 0) close(port);
    if (setns(home, CLONE_NEWNET) < 0) return -1;
    close(home);
    return made;
}
