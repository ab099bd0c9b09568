// SPDX-License-Identifier: Apache-2.0
import { BYTES, type ErrorCode, ErrorBody, errors, NDJSON, type Route, RunEvent, routes } from '../src/index.ts'
import { ComponentSchemas, type JsonSchema } from './component-schemas.ts'

const TAGS = {
  server: 'The server itself',
  sandboxes: 'Isolated computers',
  processes: 'What runs in a sandbox',
  files: 'The files of a sandbox; relative paths start at its working directory',
}
const ALWAYS: ErrorCode[] = ['access.peer_refused', 'server.closing', 'server.internal']
const WITH_KEY: ErrorCode[] = ['access.key_missing', 'access.key_invalid']
const WITH_BODY: ErrorCode[] = ['request.invalid', 'request.too_large', 'request.timed_out']

/** The OpenAPI 3.1 document, from the route table. */
export function openapiDocument(version: string): JsonSchema {
  const schemas = new ComponentSchemas()
  const paths: Record<string, JsonSchema> = {}
  for (const [name, route] of Object.entries(routes) as [string, Route][]) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(name, route, schemas) }
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Isola',
      version,
      description:
        'Isolated, stateful computers. Over the local socket no key is needed; over TCP it is, except for /v1/health and this document.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'the server that answers this document' }],
    tags: Object.entries(TAGS).map(([tag, description]) => ({ name: tag, description })),
    security: [{ bearer: [] }, { apiKey: [] }],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
      },
      schemas: schemas.all(),
    },
  }
}

function operationOf(name: string, route: Route, schemas: ComponentSchemas): JsonSchema {
  return {
    operationId: name,
    tags: [tagOf(route)],
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    ...(route.open === true ? { security: [] } : {}),
    parameters: [
      ...parametersOf('path', route.params, schemas),
      ...parametersOf('query', route.query, schemas),
      ...parametersOf('header', route.headers, schemas),
    ],
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: true, content: contentOf(route.body, 'input', schemas) } }),
    responses: responsesOf(route, schemas),
  }
}

function parametersOf(place: string, schema: Route['params'], schemas: ComponentSchemas): JsonSchema[] {
  if (schema === undefined) return []
  const { properties = {}, required = [] } = schemas.convert(schema, 'input') as {
    properties?: Record<string, JsonSchema>
    required?: string[]
  }
  return Object.entries(properties).map(([name, { description, ...value }]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: value,
  }))
}

function responsesOf(route: Route, schemas: ComponentSchemas): JsonSchema {
  const failure = { 'application/json': { schema: schemas.convert(ErrorBody, 'output') } }
  const byStatus = Map.groupBy(new Set(errorsOf(route)), (code) => errors[code].status)
  const failures = [...byStatus]
    .sort(([left], [right]) => left - right)
    .map(([status, codes]): [string, JsonSchema] => {
      return [String(status), { description: codes.map((code) => `\`${code}\``).join(', '), content: failure }]
    })
  return {
    [String(route.status)]: successOf(route, schemas),
    ...Object.fromEntries(failures),
    // An upgrade has no success that OpenAPI can describe.
    ...(route.status === 101 ? { default: { description: 'any other error', content: failure } } : {}),
  }
}

function successOf(route: Route, schemas: ComponentSchemas): JsonSchema {
  if (route.status === 101) return { description: 'frames from now on, see docs/reference/frames.md' }
  if (route.result === undefined) return { description: 'done' }
  const content = contentOf(route.result, 'output', schemas)
  if (route.stream !== undefined) content[route.stream] = { schema: schemas.convert(RunEvent, 'output') }
  return { description: 'done', content }
}

function contentOf(
  body: NonNullable<Route['body'] | Route['result']>,
  io: 'input' | 'output',
  schemas: ComponentSchemas,
): JsonSchema {
  if (body === BYTES) return { [BYTES]: { schema: { type: 'string', format: 'binary' } } }
  if (body === NDJSON) return { [NDJSON]: { schema: { type: 'string', description: 'one JSON value a line' } } }
  return { 'application/json': { schema: schemas.convert(body, io) } }
}

function errorsOf(route: Route): ErrorCode[] {
  const hasInput = route.params !== undefined || route.query !== undefined || route.headers !== undefined
  return [
    ...route.errors,
    ...(hasInput ? (['request.invalid'] as const) : []),
    ...(route.body === undefined ? [] : WITH_BODY),
    ...(route.open === true ? [] : WITH_KEY),
    ...ALWAYS,
  ]
}

function tagOf(route: Route): keyof typeof TAGS {
  if (!route.path.startsWith('/v1/sandboxes')) return 'server'
  if (route.path.includes('/files')) return 'files'
  return /\/(run|stream|processes)/.test(route.path) ? 'processes' : 'sandboxes'
}
