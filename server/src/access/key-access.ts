// SPDX-License-Identifier: Apache-2.0
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { IsolaError } from '@isola/protocol'
import type { Access } from './access.ts'

/**
 * A TCP listener: every request needs the key. On loopback the Host header must name loopback too:
 * a page of the browser whose own name was made to resolve to 127.0.0.1 (DNS rebinding) sends that name.
 * No CORS header is ever sent, so no other page may read an answer.
 */
export function keyAccess(key: string, listenHost: string): Access {
  // Only the digest stays in memory; equal lengths are what the constant-time comparison needs.
  const expected = digest(key)
  const onLoopback = isLoopbackName(listenHost)
  return {
    checkHost(request) {
      const name = hostName(request.headers.host ?? '')
      if (!onLoopback || isLoopbackName(name) || name === listenHost) return
      throw new IsolaError('access.peer_refused', `host ${name || '(none)'} is not this server`, {
        hint: 'address the server as 127.0.0.1 or localhost',
        context: { host: name },
      })
    },
    checkKey(request) {
      const given = keyOf(request)
      if (given === undefined) throw new IsolaError('access.key_missing', 'the request has no key')
      if (!timingSafeEqual(digest(given), expected))
        throw new IsolaError('access.key_invalid', 'the key is not the key of this server')
    },
  }
}

export function isLoopbackName(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost') || name === '::1' || /^127(\.\d{1,3}){3}$/.test(name)
}

function keyOf(request: IncomingMessage): string | undefined {
  const header = request.headers['x-api-key']
  if (typeof header === 'string' && header !== '') return header
  return /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1]
}

/** The name in a Host header: without port and brackets, in lower case. */
function hostName(host: string): string {
  return host
    .toLowerCase()
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}
