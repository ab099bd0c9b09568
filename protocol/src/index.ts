// SPDX-License-Identifier: Apache-2.0
export { ReceiveWindow, SendWindow } from './agent/credit.ts'
export {
  Channel,
  encodeFrame,
  encodeHeader,
  FLAG_BROKEN,
  FLAG_GAP,
  type Frame,
  FrameError,
  FrameType,
} from './agent/frame.ts'
export { FrameReader } from './agent/frame-reader.ts'
export { AgentHello, LauncherHello, proofMessage, RelayHello } from './agent/handshake.ts'
export {
  AGENT_GENERATION,
  type AgentOperation,
  type AgentRequest,
  type AgentResult,
  agentOperations,
  FileEntry,
  type Personality,
  ProcessExit,
  ProcessInfo,
  type ProcessSpec,
  SignalName,
  WireFailure,
} from './agent/operations.ts'
export { ErrorBody } from './errors/error-body.ts'
export { type ErrorDetails, IsolaError } from './errors/isola-error.ts'
export { type ErrorCode, errors, isErrorCode } from './errors/registry.ts'
export { ProcessId, RunId, randomId, SandboxId } from './ids.ts'
export {
  LAUNCHER_GENERATION,
  type LauncherLimits,
  type LauncherOperation,
  type LauncherRequest,
  type LauncherResult,
  launcherOperations,
  NamespaceCapabilities,
  ProbeCheck,
  ProbeResult,
  RootfsStack,
  SandboxExitedEvent,
} from './launcher/operations.ts'
export {
  DEFAULT_BUFFERED_OUTPUT_LIMIT_BYTES,
  DEFAULT_KILL_GRACE_MS,
  FRAME_HEADER_BYTES,
  FRAMES_UPGRADE,
  INITIAL_CREDIT_BYTES,
  MAX_DATA_PAYLOAD_BYTES,
  MAX_FRAME_PAYLOAD_BYTES,
  MAX_JSON_BODY_BYTES,
} from './limits.ts'
export {
  Cidr,
  DomainPattern,
  NETWORK_PRESETS,
  Network,
  NetworkExplanation,
  NetworkLogEntry,
  NetworkPolicy,
  NetworkPreset,
  NetworkRule,
  NetworkVerdict,
  PortRange,
  SetNetwork,
} from './network.ts'
export {
  ResizeProcess,
  RunCommand,
  RunEvent,
  RunResult,
  SignalProcess,
  StartProcess,
} from './process.ts'
export {
  RELAY_GENERATION,
  type RelayDecision,
  RelayEvent,
  type RelayOperation,
  type RelayRequest,
  type RelayResult,
  relayOperations,
} from './relay/operations.ts'
export {
  BYTES,
  DoctorReport,
  DriverReport,
  NDJSON,
  type Route,
  type RouteName,
  routes,
  ServerInfo,
} from './rest/routes.ts'
export {
  CreateSandbox,
  type CreateSandboxParsed,
  Env,
  ListSandboxes,
  Resources,
  Sandbox,
  SANDBOX_STATES,
  SandboxName,
  SandboxPage,
  SandboxState,
  Transition,
} from './sandbox.ts'
