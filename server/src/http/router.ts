// SPDX-License-Identifier: Apache-2.0
import { IsolaError, type Route, type RouteName, routes } from '@isola/protocol'
import { RegExpRouter } from 'hono/router/reg-exp-router'

export interface RouteMatch {
  readonly name: RouteName
  readonly params: Readonly<Record<string, string>>
}

const router = new RegExpRouter<RouteName>()
const methods = new Set<string>()
for (const [name, route] of Object.entries(routes) as [RouteName, Route][]) {
  router.add(route.method, route.path.replaceAll(/\{(\w+)\}/g, ':$1'), name)
  methods.add(route.method)
}

/** The row of the route table that a request means, or the error that says there is none. */
export function matchRoute(method: string, path: string): RouteMatch | IsolaError {
  const found = methods.has(method) ? lookUp(method, path) : undefined
  if (found !== undefined) return found
  const allowed = [...methods].filter((other) => lookUp(other, path) !== undefined)
  if (allowed.length === 0) return new IsolaError('route.not_found', `no route ${path}`, { context: { path } })
  return new IsolaError('route.method_not_allowed', `${method} ${path}: only ${allowed.join(', ')}`, {
    context: { method, path, allowed },
  })
}

function lookUp(method: string, path: string): RouteMatch | undefined {
  const [candidates, values] = router.match(method, path)
  const candidate = candidates[0]
  if (candidate === undefined) return undefined
  const [name, places] = candidate
  const params: Record<string, string> = {}
  for (const [param, place] of Object.entries(places) as [string, number | string][]) {
    params[param] = decode(typeof place === 'number' ? (values?.[place] ?? '') : place)
  }
  return { name, params }
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    throw new IsolaError('request.invalid', `path segment ${segment} is not valid percent-encoding`)
  }
}
