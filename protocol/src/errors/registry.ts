// SPDX-License-Identifier: Apache-2.0

export interface ErrorKind {
  /** HTTP status that carries the error. */
  readonly status: number
  /** The same request may succeed later without being changed. */
  readonly retryable: boolean
  /** What to do next, when the place that throws knows nothing better. */
  readonly hint: string
}

const kind = (status: number, hint: string, retryable = false): ErrorKind => ({ status, retryable, hint })

/**
 * Every error that crosses a boundary. Codes are `noun.reason`, append-only and never reused.
 * The message is written where the error happens (operation and value); the hint here is the default.
 */
export const errors = {
  'request.invalid': kind(400, 'compare the request with /v1/openapi.json'),
  'request.too_large': kind(413, 'send large content through the files API'),
  'request.unknown_operation': kind(501, 'the sandbox runs an older agent; create a new sandbox to use this operation'),
  'request.timed_out': kind(504, 'try again, or raise the timeout', true),
  'request.cancelled': kind(499, 'the caller went away before the operation ended'),
  'request.idempotency_mismatch': kind(409, 'use a new Idempotency-Key for a different request'),
  'route.not_found': kind(404, 'see /v1/openapi.json for the routes that exist'),
  'route.method_not_allowed': kind(405, 'see /v1/openapi.json for the methods of this route'),
  'access.key_missing': kind(401, 'send the key as `Authorization: Bearer …`, or set ISOLA_API_KEY'),
  'access.key_invalid': kind(401, 'check ISOLA_API_KEY; `isola serve` prints where the key is kept'),
  'access.peer_refused': kind(403, 'the local socket answers only to the user who owns the server'),

  'sandbox.not_found': kind(404, 'list the sandboxes with `isola ls`'),
  'sandbox.name_taken': kind(409, 'choose another name, or remove the sandbox that has it with `isola rm`'),
  'sandbox.gone': kind(410, 'the run that this belonged to has ended; look at the sandbox with `isola inspect`'),
  'sandbox.not_running': kind(409, 'look at the state and its reason with `isola inspect`'),
  'sandbox.state_conflict': kind(409, 'wait for the transition that is under way to end', true),
  'sandbox.create_failed': kind(500, 'run `isola doctor` to see what this host can do', true),
  'sandbox.already_personalised': kind(409, 'a blank becomes a sandbox only once'),
  'sandbox.not_personalised': kind(409, 'personalise the blank before anything runs in it'),
  'sandbox.agent_unreachable': kind(502, 'the sandbox did not answer; look at it with `isola inspect`', true),
  'template.not_found': kind(404, 'this version has the template `host`'),
  'template.build_failed': kind(500, 'run `isola doctor`; the message names the step'),
  'driver.not_found': kind(404, 'list the drivers with `isola doctor`'),
  'driver.unavailable': kind(503, 'run `isola doctor` for the reason and the fix'),
  'driver.unsupported': kind(501, 'run `isola doctor` to see which driver can'),
  'limit.unenforceable': kind(422, 'leave the limit out, or run `isola doctor` for what would make it hold'),
  'limit.exhausted': kind(429, 'remove sandboxes that are not needed any more', true),

  'network.denied': kind(403, 'ask `isola net explain` which rule decides; `isola net set` changes it'),
  'network.unreachable': kind(502, 'the policy allows it, but the destination does not answer', true),

  'process.not_found': kind(404, 'list the processes; it may have ended already'),
  'process.id_taken': kind(409, 'choose another process id'),
  'process.program_not_found': kind(422, 'check the name and the PATH inside the sandbox'),
  'process.not_executable': kind(422, 'check the mode of the file and its interpreter line'),
  'process.cwd_not_found': kind(422, 'create the directory first, or leave the working directory out'),
  'process.user_unknown': kind(422, 'use `user`, `root`, or a name from /etc/passwd inside'),
  'process.root_unavailable': kind(
    422,
    'this host gives a sandbox a single user id; `isola doctor` tells what is missing',
  ),
  'process.limit_reached': kind(429, 'the sandbox may not have more processes; raise `pids` or end some', true),
  'process.no_tty': kind(409, 'start the process with a terminal to resize it'),
  'process.start_failed': kind(500, 'the message names the step that failed inside the sandbox'),
  'agent.spawner_lost': kind(
    409,
    'processes can no longer be started in this sandbox; copy out what you need and remove it',
  ),
  'agent.protocol': kind(502, 'the sandbox broke the agent protocol and was cut off'),

  'file.not_found': kind(404, 'check the path; relative paths start at the working directory'),
  'file.exists': kind(409, 'choose another path, or allow overwriting'),
  'file.permission_denied': kind(403, 'name another user, e.g. `root`'),
  'file.not_directory': kind(409, 'a part of the path is not a directory'),
  'file.is_directory': kind(409, 'the path is a directory; list it instead'),
  'file.not_regular': kind(409, 'only regular files can be read and written'),
  'file.not_empty': kind(409, 'remove it recursively'),
  'file.no_space': kind(507, 'the disk of the sandbox, or of the host, is full'),
  'file.name_invalid': kind(400, 'names have at most 255 bytes, paths at most 4096, and no NUL'),
  'file.too_many_links': kind(409, 'the path runs through too many symbolic links'),
  'file.io': kind(500, 'the file system inside the sandbox reported an error'),

  'host.no_space': kind(507, 'free space on the disk that holds the state directory'),
  'host.launcher_failed': kind(503, 'run `isola doctor`; the message names the step', true),
  'host.store_corrupt': kind(
    500,
    'move the named file away to start with an empty store; running sandboxes are then swept',
  ),
  'server.unreachable': kind(503, 'start it with `isola serve`, or check ISOLA_URL', true),
  'server.start_failed': kind(500, 'the message names the reason; the log is beside the socket'),
  'server.closing': kind(503, 'the server is stopping; try again', true),
  'server.internal': kind(500, 'this is a fault in Isola; please report it with the message'),
} as const satisfies Record<string, ErrorKind>

export type ErrorCode = keyof typeof errors

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errors, code)
}
