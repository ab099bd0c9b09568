// SPDX-License-Identifier: Apache-2.0
//! Error codes that the agent and the launcher use. The registry with status and hint is
//! `protocol/src/errors/registry.ts`; codes are append-only.

pub const REQUEST_INVALID: &str = "request.invalid";
pub const REQUEST_TOO_LARGE: &str = "request.too_large";
pub const REQUEST_UNKNOWN_OPERATION: &str = "request.unknown_operation";
pub const REQUEST_CANCELLED: &str = "request.cancelled";

pub const SANDBOX_ALREADY_PERSONALISED: &str = "sandbox.already_personalised";
pub const SANDBOX_NOT_PERSONALISED: &str = "sandbox.not_personalised";
pub const SANDBOX_NOT_FOUND: &str = "sandbox.not_found";
pub const SANDBOX_CREATE_FAILED: &str = "sandbox.create_failed";
pub const SANDBOX_STATE_CONFLICT: &str = "sandbox.state_conflict";

pub const PROCESS_NOT_FOUND: &str = "process.not_found";
pub const PROCESS_ID_TAKEN: &str = "process.id_taken";
pub const PROCESS_PROGRAM_NOT_FOUND: &str = "process.program_not_found";
pub const PROCESS_NOT_EXECUTABLE: &str = "process.not_executable";
pub const PROCESS_CWD_NOT_FOUND: &str = "process.cwd_not_found";
pub const PROCESS_USER_UNKNOWN: &str = "process.user_unknown";
pub const PROCESS_ROOT_UNAVAILABLE: &str = "process.root_unavailable";
pub const PROCESS_LIMIT_REACHED: &str = "process.limit_reached";
pub const PROCESS_NO_TTY: &str = "process.no_tty";
pub const PROCESS_START_FAILED: &str = "process.start_failed";
pub const AGENT_SPAWNER_LOST: &str = "agent.spawner_lost";

pub const FILE_NOT_FOUND: &str = "file.not_found";
pub const FILE_EXISTS: &str = "file.exists";
pub const FILE_PERMISSION_DENIED: &str = "file.permission_denied";
pub const FILE_NOT_DIRECTORY: &str = "file.not_directory";
pub const FILE_IS_DIRECTORY: &str = "file.is_directory";
pub const FILE_NOT_REGULAR: &str = "file.not_regular";
pub const FILE_NOT_EMPTY: &str = "file.not_empty";
pub const FILE_NO_SPACE: &str = "file.no_space";
pub const FILE_NAME_INVALID: &str = "file.name_invalid";
pub const FILE_TOO_MANY_LINKS: &str = "file.too_many_links";
pub const FILE_IO: &str = "file.io";

pub const LIMIT_UNENFORCEABLE: &str = "limit.unenforceable";
pub const LIMIT_EXHAUSTED: &str = "limit.exhausted";
pub const DRIVER_UNSUPPORTED: &str = "driver.unsupported";
pub const HOST_NO_SPACE: &str = "host.no_space";
pub const HOST_LAUNCHER_FAILED: &str = "host.launcher_failed";
