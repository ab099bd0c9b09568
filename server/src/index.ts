// SPDX-License-Identifier: Apache-2.0
export { parseServerConfig, type ServerConfig } from './config.ts'
export { AlreadyRunning } from './lifecycle/become-the-one.ts'
export type { RunningServer } from './lifecycle/serve.ts'
export { startServer } from './main.ts'
