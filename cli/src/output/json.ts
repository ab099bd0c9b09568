// SPDX-License-Identifier: Apache-2.0
/** JSON as it is printed by `--json`: readable, one document. */
export function formatJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`
}
