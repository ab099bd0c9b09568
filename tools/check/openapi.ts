// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { problemsEnd, type Step } from './step.ts'

const DOCUMENT = 'protocol/openapi.json'

/** The OpenAPI document against the rules of its specification and of good manners. */
export const openapi: Step = {
  name: 'openapi',
  about: 'the OpenAPI document is valid and complete',
  run: async (root) => {
    const file = path.join(root, DOCUMENT)
    if (!existsSync(file)) return problemsEnd([`${DOCUMENT}: missing (hint: npm run pins)`])
    const config = await createConfig({
      extends: ['recommended'],
      rules: { 'security-defined': 'error', 'no-server-example.com': 'off', 'info-license-strict': 'off' },
    })
    const found = await lintFromString({ source: readFileSync(file, 'utf8'), absoluteRef: file, config })
    return problemsEnd(
      found.map(
        ({ severity, ruleId, message, location }) =>
          `${severity} ${ruleId}: ${message} at ${location[0]?.pointer ?? '/'}`,
      ),
    )
  },
}
