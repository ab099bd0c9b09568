// SPDX-License-Identifier: Apache-2.0
import type { Client, ClientOptions } from '@isola/sdk'
import type { Terminal } from './output/terminal.ts'

/** What every command gets from the program that calls it. */
export interface CommandContext {
  readonly terminal: Terminal
  /** Connects on first use; a local server that has to be started is announced. */
  connect(options?: ClientOptions): Client
  /** The exit code, once the command knows it; 0 when it never says. */
  exitCode: number
}
