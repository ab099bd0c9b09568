// SPDX-License-Identifier: Apache-2.0
// limit serve OPTION... : one command per line on stdin (fields end with a tab), one JSON answer per line on stdout.
//   ping · spawn PROGRAM ARGUMENT... · create NONCE
#define _GNU_SOURCE
#include "limit.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct config config = {.uid_base = 1000000};
int self_memfd = -1, stage_fd = -1;
const char *const device_names[DEVICES] = {"/dev/null",   "/dev/zero",    "/dev/full",
                                           "/dev/random", "/dev/urandom", "/dev/tty"};

uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void print_text(const char *name, const char *text, size_t length) {
    printf(",\"%s\":\"", name);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 32 || c == '"' || c == '\\' || c > 126) printf("\\u%04x", c);
        else putchar(c);
    }
    putchar('"');
}

static void fail(const char *what, const char *value) {
    fprintf(stderr, "limit: %s %s: %s\n", what, value, strerror(errno));
    exit(2);
}

// The real agent is executed from a sealed copy in memory; so is its stand-in.
static void copy_self(void) {
    int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (self < 0 || fstat(self, &st) < 0) fail("open", "/proc/self/exe");
    self_memfd = memfd_create("limit", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    for (off_t done = 0; done < st.st_size;)
        if (sendfile(self_memfd, self, &done, (size_t)(st.st_size - done)) <= 0) fail("copy", "/proc/self/exe");
    fchmod(self_memfd, 0555);
    fcntl(self_memfd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
    close(self);
}

static void add(const char **list, int *count, int limit, const char *value) {
    if (*count == limit) fail("too many values like", value);
    list[(*count)++] = value;
}

static void read_option(const char *name, char *value) {
    if (!strcmp(name, "--root-lower")) add(config.root_lowers, &config.root_lower_count, MAX_PATHS, value);
    else if (!strcmp(name, "--usr-lower")) add(config.usr_lowers, &config.usr_lower_count, MAX_PATHS, value);
    else if (!strcmp(name, "--cgroup-v1")) add(config.cgroups_v1, &config.cgroup_v1_count, MAX_HIERARCHIES, value);
    else if (!strcmp(name, "--cgroup-v2")) config.cgroup_v2 = value;
    else if (!strcmp(name, "--places")) config.places = value;
    else if (!strcmp(name, "--layers")) config.layers = value;
    else if (!strcmp(name, "--layer")) config.subvolume = !strcmp(value, "subvolume");
    else if (!strcmp(name, "--uid-base")) config.uid_base = (unsigned)strtoul(value, NULL, 10);
    else if (!strcmp(name, "--bind")) {
        char *colon = strchr(value, ':');
        if (!colon || config.bind_count == MAX_PATHS) fail("bad bind", value);
        *colon = 0;
        config.binds[config.bind_count++] = (struct bind){value, colon + 1};
    } else fail("unknown option", name);
}

static void serve(void) {
    static char line[65536];
    while (fgets(line, sizeof line, stdin)) {
        char *argv[256];
        int argc = 0;
        line[strcspn(line, "\n")] = 0;
        for (char *field = strtok(line, "\t"); field && argc < 255; field = strtok(NULL, "\t")) argv[argc++] = field;
        argv[argc] = NULL;
        if (argc == 1 && !strcmp(argv[0], "ping")) printf("{\"ok\":true}\n");
        else if (argc >= 2 && !strcmp(argv[0], "spawn")) command_spawn(argv + 1);
        else if (argc == 2 && !strcmp(argv[0], "create")) command_create(argv[1]);
        else printf("{\"ok\":false,\"error\":\"unknown command\"}\n");
        fflush(stdout);
    }
}

int main(int argc, char **argv) {
    if (!strcmp(argv[0], "standin-agent")) standin_agent();
    if (!strcmp(argv[0], "standin-spawner")) standin_spawner(argv[1]);
    if (argc < 2 || strcmp(argv[1], "serve") || argc % 2) {
        fprintf(stderr, "usage: limit serve [--option value]...\n");
        return 2;
    }
    for (int i = 2; i < argc; i += 2) read_option(argv[i], argv[i + 1]);
    copy_self();
    if (config.layers) stage_fd = stage_make();
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) fail("prctl", "PR_SET_CHILD_SUBREAPER");
    serve();
    return 0;
}
