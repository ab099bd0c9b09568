// SPDX-License-Identifier: Apache-2.0
import { type FirstBytes, looksLikeHttp, MAX_CLIENT_HELLO_BYTES, readClientHello } from '@isola/core'

/** What the first bytes of a connection are, or that more of them are needed to tell. */
export type SeenBytes = { readonly kind: 'incomplete' } | { readonly kind: 'known'; readonly firstBytes: KnownBytes }
type KnownBytes = Exclude<FirstBytes, 'unknown'> | { readonly kind: 'http-proxy' }

/** A line that might still become HTTP is not waited for beyond this. */
const LONGEST_FIRST_LINE_BYTES = 8 * 1024

/**
 * Reads what a client said first. All of it comes from inside.
 * @param isComplete no more will be seen before a decision
 */
export function seeFirstBytes(bytes: Uint8Array, isComplete: boolean): SeenBytes {
  if (bytes.length === 0) return isComplete ? known('none') : INCOMPLETE
  const hello = readClientHello(bytes)
  switch (hello.kind) {
    case 'hello':
      return known({ kind: 'tls', serverName: hello.serverName })
    case 'malformed':
      return known({ kind: 'malformed' })
    case 'incomplete':
      return isComplete || bytes.length >= MAX_CLIENT_HELLO_BYTES ? known({ kind: 'malformed' }) : INCOMPLETE
    case 'not-tls':
      return seeWords(bytes, isComplete)
  }
}

function seeWords(bytes: Uint8Array, isComplete: boolean): SeenBytes {
  switch (looksLikeHttp(bytes)) {
    case 'http':
      return known({ kind: 'http-proxy' })
    // One connection carries many requests that nobody could look into.
    case 'http2':
      return known({ kind: 'malformed' })
    case 'not-http':
      return known({ kind: 'other' })
    case 'incomplete':
      return isComplete || bytes.length >= LONGEST_FIRST_LINE_BYTES ? known({ kind: 'malformed' }) : INCOMPLETE
  }
}

const INCOMPLETE: SeenBytes = { kind: 'incomplete' }
const known = (firstBytes: KnownBytes): SeenBytes => ({ kind: 'known', firstBytes })
