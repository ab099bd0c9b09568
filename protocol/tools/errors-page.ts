// SPDX-License-Identifier: Apache-2.0
import { errors } from '../src/index.ts'

/** docs/reference/errors.md, from the registry. */
export function errorsPage(): string {
  const rows = Object.entries(errors).map(
    ([code, { status, retryable, hint }]) =>
      `| \`${code}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${hint.replaceAll('|', '\\|')} |`,
  )
  return `<!-- generated from protocol/src/errors/registry.ts by protocol/tools/pins.ts -->

# Errors

Every error has one form, in HTTP bodies, on streams and in \`--json\` output:

\`\`\`json
{ "error": { "code": "sandbox.not_found", "message": "there is no sandbox \\"a\\"", "hint": "list the sandboxes with \`isola ls\`", "context": {}, "retryable": false } }
\`\`\`

The message says which operation failed on which value; the hint says what to do next, and may be more
precise than the one below. \`retryable\` means that the same request may succeed later. Codes are only
ever added.

| code | HTTP status | retryable | default hint |
| --- | --- | --- | --- |
${rows.join('\n')}
`
}
