// SPDX-License-Identifier: Apache-2.0
import { type IncomingMessage } from 'node:http'
import { parseAddress } from '@isola/core'
import { endToEnd, listOf, valuesOf } from './http-hop-headers.ts'
import { HttpRefusal, invalid } from './http-refusal.ts'

/** A request as the upstream gets it. */
export interface RequestHead {
  readonly method: string
  readonly target: string
  /** Where it says it goes, without the port: what the verdict is about. */
  readonly host: string | null
  readonly headers: string[]
  readonly hasChunkedBody: boolean
  readonly isUpgrade: boolean
}

const NAME = /^[A-Za-z0-9._-]{1,255}$/
const AUTHORITY = /^(\[[0-9A-Fa-f:.]{2,45}\]|[^:[\]]*)(:\d{0,5})?$/
const ABSOLUTE = /^http:\/\/([^/?#]*)/i
/** No blanks or control characters; letters beyond ASCII are sent raw by many clients. */
const TARGET = /^[\x21-\x7e\x80-\xff]+$/
/** For these Node sends nothing about a body that is not there; for others it must be told that there is none. */
const WITHOUT_BODY = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT'])

/**
 * What a client inside sent, as the one thing it can mean. The parser has refused what can be read in two ways
 * (two lengths, length and chunks, folded lines, bare line feeds); what remains is refused here. `host` and the
 * Host that goes out always name the same place.
 *
 * @throws {HttpRefusal}
 */
export function readRequestHead(request: IncomingMessage, address: string, port: number): RequestHead {
  const { method = '', url = '', rawHeaders: raw } = request
  if (request.httpVersionMajor !== 1)
    throw new HttpRefusal(505, 'request.invalid', 'only HTTP/1 is passed on', 'use HTTP/1.1')
  const isChunked = readsAsChunked(request)
  // Node sends such a head as UTF-8. Clients try again without the expectation.
  if (request.headers.expect !== undefined && [url, ...raw].some((text) => /[\x80-\xff]/.test(text)))
    throw new HttpRefusal(417, 'request.invalid', 'Expect does not go together with a head that is not ASCII')
  const hosts = valuesOf(raw, 'host')
  if (hosts.length > 1) throw invalid('the request has several Host headers')
  const given = hosts[0]
  if (given === undefined && request.httpVersionMinor >= 1) throw invalid('the request has no Host header')
  const givenHost = given === undefined || given === '' ? null : hostOf(given, 'the Host header')
  const authority = authorityOf(method, url)
  const host = authority === undefined ? givenHost : hostOf(authority, 'the host in the target')
  return {
    method,
    target: url,
    host,
    hasChunkedBody: isChunked,
    isUpgrade: upgradesOf(request).length > 0,
    headers: [
      ...withHost(endToEnd(raw), authority ?? given ?? hostHeader(address, port)),
      ...(isChunked ? ['Transfer-Encoding', 'chunked'] : []),
      ...(isChunked || hasLength(request) || WITHOUT_BODY.has(method) ? [] : ['Content-Length', '0']),
      ...connectionHeaders(request),
    ],
  }
}

export function hostHeader(host: string, port: number): string {
  const bracketed = isIpv6(host) ? `[${host}]` : host
  return port === 80 ? bracketed : `${bracketed}:${port}`
}

/**
 * Whether this request asks for another protocol that is passed on. Versions of HTTP and TLS are not: behind them
 * further requests would be hidden. Such an offer is dropped and the client goes on with HTTP/1.1. An upgrade with
 * a body is none: the body could be taken for the first bytes of the new protocol.
 */
export function upgradesOf(request: IncomingMessage): string[] {
  if (request.httpVersion !== '1.1' || hasLength(request) || request.headers['transfer-encoding'] !== undefined)
    return []
  if (!listOf(request.rawHeaders, 'connection').includes('upgrade')) return []
  return valuesOf(request.rawHeaders, 'upgrade')
    .flatMap((value) => value.split(','))
    .map((protocol) => protocol.trim())
    .filter((protocol) => protocol !== '' && !/^(h2|h2c|h3|http|tls)(\/|$)/i.test(protocol))
}

/** Other codings than `chunked` would have to be undone; the parser would pass them on as if they were content. */
function readsAsChunked(request: IncomingMessage): boolean {
  const coding = request.headers['transfer-encoding']
  if (coding === undefined) return false
  if (request.httpVersion !== '1.1') throw invalid('Transfer-Encoding does not exist in HTTP/1.0')
  if (coding.trim().toLowerCase() === 'chunked') return true
  throw new HttpRefusal(501, 'request.invalid', 'a Transfer-Encoding other than chunked is not passed on')
}

function authorityOf(method: string, target: string): string | undefined {
  if (!TARGET.test(target)) throw invalid('the target has characters that no target has')
  if (target.startsWith('/') || (target === '*' && method === 'OPTIONS')) return undefined
  const authority = ABSOLUTE.exec(target)?.[1]
  if (authority === undefined) throw invalid('the target is neither a path nor an http:// URL')
  return authority
}

function hostOf(authority: string, what: string): string {
  const host = AUTHORITY.exec(authority)?.[1]
  if (host === undefined || !(NAME.test(host) || (host.startsWith('[') && isIpv6(host.slice(1, -1)))))
    throw invalid(`${what} is malformed`)
  return host
}

function isIpv6(text: string): boolean {
  return text.includes(':') && parseAddress(text) !== undefined
}

function withHost(headers: string[], host: string): string[] {
  const index = headers.findIndex((name, at) => at % 2 === 0 && name.toLowerCase() === 'host')
  if (index === -1) return ['Host', host, ...headers]
  return headers.with(index + 1, host)
}

function hasLength(request: IncomingMessage): boolean {
  return request.headers['content-length'] !== undefined
}

function connectionHeaders(request: IncomingMessage): string[] {
  const upgrades = upgradesOf(request)
  const takesTrailers = listOf(request.rawHeaders, 'te').includes('trailers')
  const isLast = listOf(request.rawHeaders, 'connection').includes('close')
  const options = [upgrades.length > 0 ? 'Upgrade' : isLast ? 'close' : 'keep-alive', ...(takesTrailers ? ['TE'] : [])]
  return [
    ...['Connection', options.join(', ')],
    ...(upgrades.length > 0 ? ['Upgrade', upgrades.join(', ')] : []),
    ...(takesTrailers ? ['TE', 'trailers'] : []),
  ]
}
