// SPDX-License-Identifier: Apache-2.0
export { createTemplates, type TemplatesConfig } from './templates.host.ts'
