// SPDX-License-Identifier: Apache-2.0
export { type Exchange, FrameLink, type PeerErrors, ProtocolBreach } from './agent-link/frame-link.ts'
export { sendRequest } from './agent-link/send-request.ts'
export { type FailureCodes, parseJson, parseShape, type Shape } from './agent-link/wire-json.ts'
export type { ByteChannel } from './driver/byte-channel.ts'
export type { AppliedFix, BlankSpec, Driver, DriverReport, SandboxRef, SandboxStats } from './driver/driver.ts'
export type { EgressRelay, RelayBounds } from './driver/egress-relay.ts'
export { type Address, formatAddress, parseAddress } from './network/address.ts'
export { type AddressClass, addressClass } from './network/address-class.ts'
export { type CidrBlock, cidrContains, parseCidr } from './network/cidr.ts'
export { type ClientHelloReading, MAX_CLIENT_HELLO_BYTES, readClientHello } from './network/client-hello.ts'
export type { FirstBytes } from './network/connection-names.ts'
export {
  type AddressFacts,
  type ConnectionDecision,
  type ConnectionFacts,
  type Destination,
  decideConnection,
  decideRequest,
  type RequestDestination,
} from './network/decide-connection.ts'
export { decideName } from './network/decide-name.ts'
export { domainMatches, normalizeName } from './network/domain-pattern.ts'
export { type ExplainFacts, type ExplainStep, explain, type NetworkExplanation } from './network/explain.ts'
export { type NetworkTarget, readTarget } from './network/explain-target.ts'
export { type HttpGuess, looksLikeHttp } from './network/http-head.ts'
export { NamePins } from './network/name-pins.ts'
export type { PresetHost, PresetHosts } from './network/preset-hosts.ts'
export { Operation, type OperationOptions } from './operation/operation.ts'
export type { Clock } from './ports/clock.ts'
export type { Egress, NetworkSettings } from './ports/egress.ts'
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
