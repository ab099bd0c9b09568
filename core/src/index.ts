// SPDX-License-Identifier: Apache-2.0
export { type Exchange, FrameLink, type PeerErrors, ProtocolBreach } from './agent-link/frame-link.ts'
export { sendRequest } from './agent-link/send-request.ts'
export { type FailureCodes, parseJson, parseShape, type Shape } from './agent-link/wire-json.ts'
export type { ByteChannel } from './driver/byte-channel.ts'
export type { AppliedFix, BlankSpec, Driver, DriverReport, SandboxRef, SandboxStats } from './driver/driver.ts'
export { Operation, type OperationOptions } from './operation/operation.ts'
export type { Clock } from './ports/clock.ts'
export type { Journal } from './ports/journal.ts'
export type { Random } from './ports/random.ts'
export type { SandboxQuery, SandboxRecord, Store } from './ports/store.ts'
export type {
  FileOwners,
  ResolvedTemplate,
  TemplateDefaults,
  TemplateSource,
  TemplateTools,
  UnreadableEntry,
} from './ports/template-source.ts'
export { createSandboxService } from './sandbox/create-sandbox-service.ts'
export { LEGAL_TRANSITIONS, nextState, type SandboxEvent } from './sandbox/sandbox-state.ts'
export type { ByteSource, FileDownload, LiveProcess, SandboxService } from './sandbox/sandbox-service.ts'
export { trySandbox } from './sandbox/try-sandbox.ts'
export type { AdoptionReport, SandboxDomain, SandboxServiceDeps } from './sandbox/service-deps.ts'
