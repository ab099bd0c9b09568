// SPDX-License-Identifier: Apache-2.0

/** A step of the set-up that cannot go on, with what to do about it. */
export class SetupError extends Error {
  /**
   * @param {string} message the step and the value it failed on
   * @param {string} hint what to do next
   * @param {number} exitCode
   */
  constructor(message, hint, exitCode = 1) {
    super(message)
    this.hint = hint
    this.exitCode = exitCode
  }
}
