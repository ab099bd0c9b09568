// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Journal, SandboxService } from '@isola/core'
import { BYTES, IsolaError, type Route, type RouteName, routes } from '@isola/protocol'
import type { Access } from '../access/access.ts'
import type { Activity } from '../lifecycle/activity.ts'
import { sendError, sendJson, toIsolaError } from './error-response.ts'
import { Exchange, type Handlers, type Inputs } from './exchange.ts'
import { parseInput, parseQuery } from './parse-input.ts'
import { readJson } from './request-body.ts'
import { matchRoute, type RouteMatch } from './router.ts'
import type { Waits } from './waits.ts'

const REST_OF_BODY_MS = 2_000

export interface DispatchDeps {
  readonly handlers: Handlers
  readonly service: Pick<SandboxService, 'get' | 'claim'>
  readonly activity: Activity
  readonly journal: Journal
  readonly waits: Waits
}

/** Serves one plain HTTP request from its head to the end of its response; never throws. */
export async function dispatch(
  deps: DispatchDeps,
  access: Access,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  using held = new DisposableStack()
  held.use(deps.activity.begin())
  let what = `${request.method} request`
  try {
    if (deps.activity.isClosing) throw closing()
    const { route, query } = admit(access, request)
    what = route.name
    await answer(deps, route, query, new Exchange(request, response, deps.waits), held)
  } catch (error) {
    if (!request.complete) letGoOfBody(request, response)
    sendError(response, toIsolaError(error, what, deps.journal))
  }
  if (!response.closed) await new Promise((resolve) => response.once('close', resolve))
}

/** Finds the route and makes sure that the client may use it. An unknown route is told only to who has a key. */
export function admit(access: Access, request: IncomingMessage): { route: RouteMatch; query: URLSearchParams } {
  access.checkHost(request)
  const [path, query] = splitTarget(request.url ?? '/')
  const route = matchRoute(request.method ?? 'GET', path)
  const isOpen = !(route instanceof Error) && (routes[route.name] as Route).open === true
  if (!isOpen) access.checkKey(request)
  if (route instanceof Error) throw route
  return { route, query: new URLSearchParams(query) }
}

async function answer(
  deps: DispatchDeps,
  match: RouteMatch,
  query: URLSearchParams,
  exchange: Exchange,
  held: DisposableStack,
): Promise<void> {
  const { name } = match
  if (name === 'streamProcess') {
    throw new IsolaError('request.invalid', 'a process stream starts with an upgrade', {
      hint: 'send `Connection: Upgrade` and `Upgrade: isola-frames/1`',
    })
  }
  const path = claimSandbox(deps.service, parsePath(match), held)
  const inputs = await parseInputs(name, path, query, exchange)
  const handler = deps.handlers[name] as (inputs: Inputs<RouteName>, exchange: Exchange) => unknown
  const value = await handler(inputs, exchange)
  if (exchange.response.headersSent) return
  if (value === undefined) exchange.response.writeHead(routes[name].status).end()
  else sendJson(exchange.response, routes[name].status, value)
}

type PathValues = Readonly<Record<string, string>>

function parsePath({ name, params }: RouteMatch): PathValues | undefined {
  const schema = (routes[name] as Route).params
  return schema && (parseInput('path', schema, params) as PathValues)
}

/**
 * A sandbox that is asked for anything is in use until the response is over, and a name means what
 * it meant when the request came.
 */
function claimSandbox(
  service: DispatchDeps['service'],
  path: PathValues | undefined,
  held: DisposableStack,
): PathValues | undefined {
  if (path?.['sandbox'] === undefined) return path
  const { id } = service.get(path['sandbox'])
  held.defer(service.claim(id))
  return { ...path, sandbox: id }
}

async function parseInputs(
  name: RouteName,
  params: PathValues | undefined,
  query: URLSearchParams,
  exchange: Exchange,
): Promise<Inputs<RouteName>> {
  const route: Route = routes[name]
  const { headers, body } = route
  const inputs = {
    params,
    query: route.query && parseQuery(route.query, query),
    headers: headers && parseInput('header', headers, exchange.request.headers),
    body: undefined as unknown,
  }
  if (body !== undefined && body !== BYTES) {
    exchange.continue()
    inputs.body = parseInput('body', body, await readJson(exchange.request, exchange.waits.jsonBodyMs))
  }
  return inputs as Inputs<RouteName>
}

function splitTarget(target: string): [path: string, query: string] {
  const mark = target.indexOf('?')
  return mark < 0 ? [target, ''] : [target.slice(0, mark), target.slice(mark + 1)]
}

/**
 * The response comes before the body is over. A client that is still sending gets a moment to see
 * it; closing at once would reset the connection and take the response with it.
 */
function letGoOfBody(request: IncomingMessage, response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('connection', 'close')
  request.resume()
  const timer = setTimeout(() => request.destroy(), REST_OF_BODY_MS)
  response.once('close', () => clearTimeout(timer))
}

/** No new work. */
export function closing(): IsolaError {
  return new IsolaError('server.closing', 'the server is stopping')
}
