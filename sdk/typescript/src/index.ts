// SPDX-License-Identifier: Apache-2.0
export type {
  DoctorReport,
  DriverReport,
  FileEntry,
  NetworkExplanation,
  NetworkLogEntry,
  NetworkPolicy,
  NetworkRule,
  ProcessInfo,
  Sandbox as SandboxInfo,
  SandboxState,
  ServerInfo,
} from '@isola/protocol'
export { type ErrorCode, errors, IsolaError } from '@isola/protocol/wire'
export type { ConnectionOptions } from './connection/address.ts'
export { Client, type ClientOptions } from './connection/client.ts'
export type { FileContent } from './files/file-body.ts'
export type { FileOptions, Files, ListOptions as ListFilesOptions, ReadOptions, WriteOptions } from './files/files.ts'
export { findServerProgram } from './local-server/server-program.ts'
export { defaultStateDirectory } from './local-server/state-directory.ts'
export { type NetworkOption, NetworkSyntaxError, parseNetwork } from './network/parse-network.ts'
export type { LogOptions as NetworkLogOptions, SandboxNetwork } from './network/sandbox-network.ts'
export type { Command } from './process/command.ts'
export { CommandError, CommandResult } from './process/command-result.ts'
export type { InputContent } from './process/feed-input.ts'
export type { OutputChunk, OutputStream } from './process/output-queue.ts'
export type { Process, ProcessEnd, ProcessInput } from './process/process.ts'
export type { Processes, ProcessOptions, StartOptions } from './process/processes.ts'
export type { RunOptions } from './process/run-command.ts'
export type { CreateOptions } from './sandbox/create-options.ts'
export type { ListOptions } from './sandbox/list-sandboxes.ts'
export { Sandbox, type Where } from './sandbox/sandbox.ts'
export { SdkError, type SdkErrorCode } from './sdk-error.ts'
export { VERSION } from './version.ts'
