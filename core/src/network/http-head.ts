// SPDX-License-Identifier: Apache-2.0

/** `http2` is HTTP/2 without TLS, told by its preface. */
export type HttpGuess = 'incomplete' | 'http' | 'http2' | 'not-http'

const METHODS = [
  ...['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'CONNECT', 'QUERY', 'PURGE'],
  ...['PROPFIND', 'PROPPATCH', 'MKCOL', 'COPY', 'MOVE', 'LOCK', 'UNLOCK', 'ACL', 'SEARCH', 'BIND', 'UNBIND', 'REBIND'],
  ...[
    'REPORT',
    'MKACTIVITY',
    'MKCALENDAR',
    'CHECKOUT',
    'MERGE',
    'NOTIFY',
    'SUBSCRIBE',
    'UNSUBSCRIBE',
    'LINK',
    'UNLINK',
  ],
]
const METHOD_STARTS = METHODS.map((method) => `${method} `)
const HTTP2_PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

/** Longer than servers take; whoever has not ended the line by now is left to the parser, which refuses it. */
const MAX_LINE_BYTES = 16 * 1024
/** One character for each byte; ASCII is itself and nothing else becomes it. */
const LATIN1 = new TextDecoder('latin1')

/**
 * Whether the first bytes of a connection belong to HTTP: only enough to hand it to a proxy that parses it.
 *
 * A known method and a space is HTTP at once. Whoever wants to get past the proxy sends what servers take all the
 * same, an unknown method of any length, a blank or empty lines in front: so any line of text that names a version
 * of HTTP counts. Protocols that begin with a word (SSH, Redis, git) do not end their first line so.
 */
export function looksLikeHttp(bytes: Uint8Array): HttpGuess {
  const start = bytes.findIndex((byte) => byte !== 0x0d && byte !== 0x0a)
  if (start >= MAX_LINE_BYTES || (start === -1 && bytes.length >= MAX_LINE_BYTES)) return 'http'
  if (start === -1) return 'incomplete'
  const text = LATIN1.decode(bytes.subarray(start, start + MAX_LINE_BYTES))
  if (text.startsWith(HTTP2_PREFACE)) return 'http2'
  if (METHOD_STARTS.some((method) => text.startsWith(method))) return 'http'
  if (HTTP2_PREFACE.startsWith(text)) return 'incomplete'
  return guessByLine(text)
}

function guessByLine(text: string): HttpGuess {
  const end = text.indexOf('\n')
  const line = end === -1 ? text : text.slice(0, end)
  if (hasControlByte(line)) return 'not-http'
  if (end !== -1) return /HTTP\/\d/i.test(line) ? 'http' : 'not-http'
  if (text.length >= MAX_LINE_BYTES) return 'http'
  return startsWithWord(line) ? 'incomplete' : 'not-http'
}

/** Blanks that lenient servers skip, then a token (RFC 9110) of any length and a blank, or the beginning of one. */
function startsWithWord(line: string): boolean {
  return /^[ \t\v\f\r]*([!#$%&'*+.^_`|~0-9A-Za-z-]+([ \t\v\f\r]|$)|$)/.test(line)
}

function hasControlByte(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === 0x7f || (code < 0x20 && !(code >= 0x09 && code <= 0x0d))) return true
  }
  return false
}
