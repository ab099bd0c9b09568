// SPDX-License-Identifier: Apache-2.0
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** Text of others, unable to write to the terminal, or to turn its direction, behind the reader's back. */
export function printable(text: string): string {
  return text.replaceAll(CONTROL, '\u{fffd}')
}
