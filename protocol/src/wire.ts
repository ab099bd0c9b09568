// SPDX-License-Identifier: Apache-2.0
// What a client needs at run time, without the schemas: loading those costs more than a whole command.
export { ReceiveWindow, SendWindow } from './agent/credit.ts'
export { Channel, encodeFrame, encodeHeader, FLAG_BROKEN, type Frame, FrameError, FrameType } from './agent/frame.ts'
export { FrameReader } from './agent/frame-reader.ts'
export { type ErrorDetails, IsolaError } from './errors/isola-error.ts'
export { type ErrorCode, errors, isErrorCode } from './errors/registry.ts'
export {
  DEFAULT_BUFFERED_OUTPUT_LIMIT_BYTES,
  FRAME_HEADER_BYTES,
  FRAMES_UPGRADE,
  INITIAL_CREDIT_BYTES,
  MAX_DATA_PAYLOAD_BYTES,
  MAX_JSON_BODY_BYTES,
} from './limits.ts'
