// SPDX-License-Identifier: Apache-2.0
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g

/** Text that came from a sandbox, unable to write to the terminal behind the reader's back. */
export function printable(text: string): string {
  return text.replaceAll(CONTROL, '\u{fffd}')
}
