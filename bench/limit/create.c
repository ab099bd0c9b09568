// SPDX-License-Identifier: Apache-2.0
// One create and one command, timed from the order to the command's first byte; taken down apart from that.
#define _GNU_SOURCE
#include "limit.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TIMEOUT_MS = 10000, QUIET_US = 30000 };

const char *const mark_names[] = {"begin",  "ordered", "files",    "cgroups", "sources", "stage",
                                  "cloned", "mapped",  "idmapped", "mounted", "execed",  "firstByte"};

void mark(struct progress *progress, enum mark which) { progress->at_ns[which] = now_ns(); }

void give_up(struct progress *progress, const char *step) {
    progress->failed_errno = errno;
    snprintf(progress->failed_step, sizeof progress->failed_step, "%s", step);
    _exit(99);
}

static void print_failure(const struct progress *progress) {
    const bool known = progress->failed_step[0];
    printf("{\"ok\":false");
    char text[128];
    int length = snprintf(text, sizeof text, "%s: %s", known ? progress->failed_step : "no output",
                          strerror(known ? progress->failed_errno : ETIMEDOUT));
    print_text("error", text, (size_t)length);
    printf("}\n");
}

// Everything that the launcher has ready before a create, too.
static pid_t make_ready(struct sandbox *sandbox) {
    int order[2], warm[2], output[2];
    char byte;
    if (pipe2(order, O_CLOEXEC) < 0 || pipe2(warm, O_CLOEXEC) < 0 || pipe2(output, O_CLOEXEC) < 0) return -1;
    if ((sandbox->netns_fd = netns_make()) < 0) return -1;
    sandbox->order_pipe = order[0];
    sandbox->warm_write = warm[1];
    sandbox->output_read = output[0];
    sandbox->output_write = output[1];
    pid_t seat = fork();
    if (seat == 0) {
        close(order[1]);
        seat_run(sandbox);
    }
    close(order[0]);
    close(warm[1]);
    close(output[1]);
    sandbox->order_pipe = order[1];
    bool is_warm = read(warm[0], &byte, 1) == 1;
    close(warm[0]);
    // What the kernel puts off after this must not fall into the measured time.
    usleep(QUIET_US);
    return is_warm ? seat : -1;
}

// Reads up to the end of the line; the time of the first byte is what counts.
static size_t read_line(struct sandbox *sandbox, char *text, size_t size) {
    size_t length = 0;
    struct pollfd wait = {.fd = sandbox->output_read, .events = POLLIN};
    while (length < size && poll(&wait, 1, TIMEOUT_MS) > 0) {
        ssize_t got = read(sandbox->output_read, text + length, size - length);
        if (got <= 0) break;
        if (length == 0) mark(sandbox->progress, FIRST_BYTE);
        length += (size_t)got;
        if (text[length - 1] == '\n') break;
    }
    return length;
}

static void remove_files(struct sandbox *sandbox) {
    char path[PATH_BYTES], seat[48];
    layer_remove(sandbox->layer);
    snprintf(path, sizeof path, "%s/%s/agent.sock", config.places, sandbox->id);
    unlink(path);
    snprintf(path, sizeof path, "%s/%s", config.places, sandbox->id);
    rmdir(path);
    // A create that failed early has not given its seat's files their name.
    snprintf(seat, sizeof seat, "seat-%s", sandbox->id);
    snprintf(path, sizeof path, "%s/%s", config.places, seat);
    if (rmdir(path) < 0) return;
    snprintf(path, sizeof path, "%s/%s", config.layers, seat);
    layer_remove(path);
}

static void take_down(struct sandbox *sandbox, pid_t seat) {
    if (sandbox->progress->pid1 > 0) kill(sandbox->progress->pid1, SIGKILL);
    if (!sandbox->progress->at_ns[FIRST_BYTE] && seat > 0) kill(seat, SIGKILL);
    while (wait(NULL) > 0) continue;
    cgroups_remove(sandbox->id);
    remove_files(sandbox);
    close(sandbox->netns_fd);
}

static void answer(const struct progress *progress, const char *text, size_t length, uint64_t teardown_ns) {
    if (!progress->at_ns[FIRST_BYTE]) {
        print_failure(progress);
        return;
    }
    uint64_t begin_ns = progress->at_ns[BEGIN];
    printf("{\"ok\":true,\"firstByteNs\":%lu,\"teardownNs\":%lu,\"marksNs\":{", progress->at_ns[FIRST_BYTE] - begin_ns,
           teardown_ns);
    const char *comma = "";
    for (int i = ORDERED; i <= FIRST_BYTE; i++) {
        if (!progress->at_ns[i]) continue;
        printf("%s\"%s\":%lu", comma, mark_names[i], progress->at_ns[i] - begin_ns);
        comma = ",";
    }
    putchar('}');
    print_text("output", text, length);
    printf("}\n");
}

int command_create(const char *nonce) {
    static unsigned serial;
    struct sandbox sandbox = {.netns_fd = -1, .nonce = nonce};
    char text[1024];
    snprintf(sandbox.id, sizeof sandbox.id, "limit-%d-%u", getpid(), serial++);
    snprintf(sandbox.layer, sizeof sandbox.layer, "%s/%s", config.layers, sandbox.id);
    sandbox.progress = mmap(NULL, sizeof *sandbox.progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (sandbox.progress == MAP_FAILED) return printf("{\"ok\":false,\"error\":\"mmap\"}\n");
    memset(sandbox.progress, 0, sizeof *sandbox.progress); // touched before the clock runs
    pid_t seat = make_ready(&sandbox);

    size_t length = 0;
    if (seat > 0) {
        mark(sandbox.progress, BEGIN);
        if (write(sandbox.order_pipe, "o", 1) == 1) length = read_line(&sandbox, text, sizeof text);
    }

    uint64_t teardown_begin_ns = now_ns();
    close(sandbox.order_pipe);
    close(sandbox.output_read);
    take_down(&sandbox, seat);
    answer(sandbox.progress, text, length, now_ns() - teardown_begin_ns);
    munmap(sandbox.progress, sizeof *sandbox.progress);
    return 0;
}
