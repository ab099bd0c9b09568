// SPDX-License-Identifier: Apache-2.0
import { cargoStep } from './cargo-step.ts'
import { importLaw } from './import-law.ts'
import { manifests } from './manifests.ts'
import { openapi } from './openapi.ts'
import { pins } from './pins.ts'
import { sourceRules } from './source-rules.ts'
import { nodeTool, type Step } from './step.ts'

/** Everything that `npm run check` asks; each is proven to bite by a row in plants.ts. */
export const steps: readonly Step[] = [
  nodeTool('types', 'TypeScript 7, strict', '@typescript/native/bin/tsc', ['-p', 'tsconfig.json']),
  nodeTool('lint', 'oxlint with types', 'oxlint/bin/oxlint', ['--type-aware', '--deny-warnings']),
  nodeTool('format', 'Biome', '@biomejs/biome/bin/biome', ['format', '--colors=off', '--max-diagnostics=50']),
  importLaw,
  nodeTool('dead-code', 'knip: unused files, exports, dependencies', 'knip/bin/knip.js', [
    '--no-progress',
    '--treat-config-hints-as-errors',
  ]),
  sourceRules,
  manifests,
  pins,
  openapi,
  cargoStep('rustfmt', 'format of the Rust workspace', ['fmt', '--all', '--check']),
  cargoStep('clippy', 'lints of the Rust workspace', [
    'clippy',
    '--workspace',
    '--all-targets',
    '--locked',
    '--',
    '-D',
    'warnings',
  ]),
]
