// SPDX-License-Identifier: Apache-2.0

/**
 * Does nothing, the same each time, and tells how many milliseconds that took. When this moves,
 * the machine moved.
 */
export type Control = () => Promise<number>
