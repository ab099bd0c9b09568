// SPDX-License-Identifier: Apache-2.0
/** Bounds that both ends of every channel keep. Sizes are bytes, times milliseconds. */
export const MAX_FRAME_PAYLOAD_BYTES = 1024 * 1024
export const MAX_DATA_PAYLOAD_BYTES = 256 * 1024
export const INITIAL_CREDIT_BYTES = 1024 * 1024
export const FRAME_HEADER_BYTES = 24

/** A JSON request body larger than this is refused before it is parsed. */
export const MAX_JSON_BODY_BYTES = 1024 * 1024
/** Output that a buffered `run` keeps in memory before the process is stopped as `outputCapped`. */
export const DEFAULT_BUFFERED_OUTPUT_LIMIT_BYTES = 64 * 1024 * 1024
export const DEFAULT_KILL_GRACE_MS = 500

/** Value of the `Upgrade` header that turns a request into a stream of frames. */
export const FRAMES_UPGRADE = 'isola-frames/1'
