// SPDX-License-Identifier: Apache-2.0
import { unusable } from './argument-error.ts'

/** `HOST:PORT`, `[::1]:PORT` or `PORT` on the loopback. @throws {ArgumentError} */
export function parseListen(text: string): string {
  const [, host, port] = /^(?:(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):)?(\d{1,5})$/.exec(text) ?? []
  if (port === undefined || Number(port) > 65_535) throw unusable('--listen', text, 'HOST:PORT, e.g. 127.0.0.1:4949')
  return `${host ?? '127.0.0.1'}:${Number(port)}`
}
