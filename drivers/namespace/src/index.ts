// SPDX-License-Identifier: Apache-2.0
export { findGuestBinaries, type GuestBinaries } from './guest-binaries.host.ts'
export { createNamespaceDriver, type NamespaceDriverOptions } from './namespace-driver.ts'
