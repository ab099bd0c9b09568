// SPDX-License-Identifier: Apache-2.0
// posix_spawn of any program: the cheapest way to start what the peers are, so that none of them
// pays for the memory of a Node process.
#define _GNU_SOURCE
#include "limit.h"
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int command_spawn(char *const argv[]) {
    int out[2];
    char text[4096];
    size_t length = 0;
    uint64_t first_ns = 0;
    pid_t pid;
    if (pipe2(out, O_CLOEXEC) < 0) return printf("{\"ok\":false,\"error\":\"pipe\"}\n");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);

    uint64_t begin_ns = now_ns();
    int error = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    close(out[1]);
    if (!error) {
        for (ssize_t got; (got = read(out[0], text + length, sizeof text - length)) > 0; length += (size_t)got)
            if (!first_ns) first_ns = now_ns();
    }
    int status = 0;
    if (!error) waitpid(pid, &status, 0);
    uint64_t end_ns = now_ns();

    close(out[0]);
    posix_spawn_file_actions_destroy(&actions);
    if (error) return printf("{\"ok\":false,\"error\":\"spawn: %s\"}\n", strerror(error));
    printf("{\"ok\":%s,\"status\":%d,\"endNs\":%lu", status == 0 ? "true" : "false", status, end_ns - begin_ns);
    if (first_ns) printf(",\"firstByteNs\":%lu", first_ns - begin_ns);
    print_text("output", text, length);
    return printf("}\n");
}
