// SPDX-License-Identifier: Apache-2.0

/** Where the domain tells what happened in the background, where no caller waits for an answer. */
export interface Journal {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void
}
