// SPDX-License-Identifier: Apache-2.0

const LARGE_BYTES: libc::c_int = 32 * 1024;

/// Makes freed memory go back to the kernel: large blocks are mapped on their own, the heap is
/// trimmed early, and threads share one heap. An idle agent is paid for once per sandbox.
pub fn keep_small() {
    // JUSTIFICATION: glibc's limits have no other interface; by default the threshold for mapped
    // blocks grows with use and every thread gets a heap of its own.
    // SAFETY: mallopt only sets integers of the allocator; called before any other thread exists.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE_BYTES);
        libc::mallopt(libc::M_TRIM_THRESHOLD, LARGE_BYTES);
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}
