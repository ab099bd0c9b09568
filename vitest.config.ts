// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from 'vitest/config'

const LONG = '**/*.long.test.ts'
const NEVER = ['**/node_modules/**', '**/dist/**', 'guest/target/**']

/** Beside the code, without effects on the host. */
const unit = project('unit', {
  include: ['{protocol,core,images,server,cli,tools,bench}/**/*.test.ts', '{drivers,sdk}/*/**/*.test.ts'],
  testTimeoutMs: 10_000,
})

/** What no single folder proves; each suite may use real sandboxes. */
const wide = ['conformance', 'security', 'e2e'].map((name) =>
  project(name, {
    include: [`tests/${name}/**/*.test.ts`],
    testTimeoutMs: 60_000,
    globalSetup: ['tests/support/suite-servers.ts'],
  }),
)

const long = project('long', { include: [LONG], testTimeoutMs: 900_000 })

export default defineConfig({
  // The leak check after a suite waits for what the kernel releases on its own schedule.
  test: { projects: [unit, ...wide, long], teardownTimeout: 60_000 },
})

function project(name: string, options: { include: string[]; testTimeoutMs: number; globalSetup?: string[] }) {
  return {
    ssr: { resolve: { conditions: ['@isola/source', 'node', 'import', 'module', 'default'] } },
    resolve: { conditions: ['@isola/source', 'node', 'import', 'module', 'default'] },
    test: {
      name,
      include: options.include,
      globalSetup: options.globalSetup ?? [],
      exclude: name === 'long' ? NEVER : [...NEVER, LONG],
      testTimeout: options.testTimeoutMs,
      hookTimeout: options.testTimeoutMs,
      setupFiles: ['tools/test/fail-on-warning.ts'],
      execArgv: ['--conditions=@isola/source'],
      restoreMocks: true,
    },
  }
}
