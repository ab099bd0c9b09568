// SPDX-License-Identifier: Apache-2.0

/** A violation that a step of `npm run check` must find. */
export interface Plant {
  /** The step that must fail. */
  readonly step: string
  /** What its output must name, so that it does not fail for another reason. */
  readonly says: readonly string[]
  /** Files to make, with their content, relative to the copy. */
  readonly files?: Readonly<Record<string, string>>
  /** Files to change, relative to the copy. */
  readonly changes?: Readonly<Record<string, (text: string) => string>>
}

const SPDX = '// SPDX-License-Identifier: Apache-2.0\n'

export const plants: readonly Plant[] = [
  {
    step: 'types',
    says: ['planted-types.ts', "'string' is not assignable to type 'number'"],
    files: { 'core/src/planted-types.ts': `${SPDX}export const planted: number = 'no number'\n` },
  },
  {
    step: 'lint',
    says: ['no-floating-promises', 'no-explicit-any', 'switch-exhaustiveness-check'],
    files: {
      'core/src/planted-lint.ts': `${SPDX}export async function later(): Promise<void> {}
export function planted(word: 'a' | 'b', thing: any): unknown {
  later()
  switch (word) {
    case 'a':
      return thing
  }
  return undefined
}
`,
    },
  },
  {
    step: 'format',
    says: ['planted-format.ts'],
    files: { 'core/src/planted-format.ts': `${SPDX}export const planted = {a:1,   b : "2"};\n` },
  },
  {
    step: 'imports',
    says: [
      'protocol-imports: protocol/src/planted-law.ts',
      'core-imports: core/src/planted-law.ts',
      'images-imports: images/src/planted-law.ts',
      'sdk-imports: sdk/typescript/src/planted-law.ts',
      'cli-imports: cli/src/planted-law.ts',
      'examples-imports: examples/planted-law.ts',
      'server-imports: server/src/planted-law.ts',
      'drivers-imports: drivers/planted/src/planted-law.ts',
      'only-main-names-drivers: server/src/planted-law.ts',
      'only-host-files-touch-the-host: core/src/planted-law.ts',
      'only-host-files-open-sockets: drivers/planted/src/planted-law.ts',
      'only-host-files-start-processes: cli/src/planted-law.ts',
      'contract-and-domain-are-neutral: core/src/planted-law.ts',
      'nobody-imports-tests-or-bench: tools/planted-law.ts',
      'no-cycles: core/src/planted-cycle',
      'resolvable: core/src/planted-law.ts',
      'declared: sdk/typescript/src/planted-law.ts',
    ],
    files: {
      'protocol/src/planted-law.ts': imports("'../../core/src/index.ts'"),
      'core/src/planted-law.ts': imports("'../../server/src/main.ts'", "'node:fs'", "'./planted-nowhere.ts'"),
      'core/src/planted-cycle.ts': imports("'./planted-cycle-back.ts'"),
      'core/src/planted-cycle-back.ts': imports("'./planted-cycle.ts'"),
      'images/src/planted-law.ts': imports("'../../sdk/typescript/src/index.ts'"),
      'sdk/typescript/src/planted-law.ts': imports("'../../../core/src/index.ts'", "'fast-check'"),
      'cli/src/planted-law.ts': imports("'../../core/src/index.ts'", "'node:child_process'"),
      'examples/planted-law.ts': imports("'../server/src/main.ts'"),
      'server/src/planted-law.ts': imports("'../../sdk/typescript/src/index.ts'", "'@isola/driver-namespace'"),
      'drivers/planted/src/planted-law.ts': imports("'../../namespace/src/index.ts'", "'node:net'"),
      'tools/planted-law.ts': imports("'../tests/planted-law.ts'"),
      'tests/planted-law.ts': `${SPDX}export const planted = true\n`,
    },
  },
  {
    step: 'dead-code',
    says: ['core/src/planted-dead.ts', 'plantedExport', 'is-planted'],
    files: { 'core/src/planted-dead.ts': `${SPDX}export const planted = 1\n` },
    changes: {
      'tools/check/step.ts': (text) => `${text}\nexport const plantedExport = 1\n`,
      'core/package.json': (text) => text.replace('"dependencies": {', '"dependencies": { "is-planted": "1.0.0",'),
    },
  },
  {
    step: 'source',
    says: ['planted-bare.ts: no licence', 'planted-long.ts: 401 lines', 'planted-zod.ts: zod', 'planted.rs: unsafe'],
    files: {
      'core/src/planted-bare.ts': 'export const planted = 1\n',
      'core/src/planted-long.ts': `${SPDX}${'\n'.repeat(400)}`,
      'core/src/planted-zod.ts': `${SPDX}import { z } from 'zod'\nexport const planted = z\n`,
      'guest/wire/src/planted.rs': `${SPDX}pub fn planted() {\n    unsafe { std::hint::unreachable_unchecked() }\n}\n`,
    },
  },
  {
    step: 'dependencies',
    says: ['is-loose@^1.0.0: not an exact version', 'zod@1.0.0 but', 'is-loose: no line', 'planted-unlocked'],
    changes: {
      'images/package.json': (text) =>
        text.replace('"dependencies": {', '"dependencies": { "is-loose": "^1.0.0", "zod": "1.0.0",'),
      'package-lock.json': (text) =>
        text.replace('"packages": {', '"packages": { "node_modules/planted-unlocked": { "version": "1.0.0" },'),
    },
  },
  {
    step: 'pins',
    says: ['openapi.json'],
    changes: { 'protocol/openapi.json': (text) => text.replace('"openapi"', '"x-planted": true, "openapi"') },
  },
  {
    step: 'openapi',
    says: ['no-unresolved-refs', '~1planted'],
    changes: {
      'protocol/openapi.json': (text) =>
        text.replace('"paths": {', '"paths": { "/planted": { "$ref": "#/components/x-planted-nowhere" },'),
    },
  },
  {
    step: 'rustfmt',
    says: ['planted_format'],
    changes: { 'guest/wire/src/lib.rs': (text) => `${text}\npub fn planted_format( ) { }\n` },
  },
  {
    step: 'clippy',
    says: ['wire/src/lib.rs', 'needless_return'],
    changes: { 'guest/wire/src/lib.rs': (text) => `${text}\npub fn planted_lint() -> u8 {\n    return 1;\n}\n` },
  },
]

function imports(...modules: string[]): string {
  return `${SPDX}${modules.map((module) => `import ${module}\n`).join('')}export const planted = 1\n`
}
