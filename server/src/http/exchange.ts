// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Operation } from '@isola/core'
import type { Route, RouteName, routes } from '@isola/protocol'
import type * as z from 'zod'
import { bodyBytes } from './request-body.ts'
import type { Waits } from './waits.ts'

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined
type Part<Name extends RouteName, Key extends keyof Route> = Key extends keyof (typeof routes)[Name]
  ? Parsed<(typeof routes)[Name][Key]>
  : undefined

/** The parsed parts of a request to one route. */
export interface Inputs<Name extends RouteName> {
  readonly params: Part<Name, 'params'>
  readonly query: Part<Name, 'query'>
  readonly headers: Part<Name, 'headers'>
  readonly body: Part<Name, 'body'>
}

type Json<Name extends RouteName> = (typeof routes)[Name] extends { result: infer Result }
  ? Result extends z.ZodType
    ? z.input<Result>
    : never
  : never

/** What a handler answers: a value that is sent as JSON, or nothing when it wrote the response itself or there is no body. */
export type Answer<Name extends RouteName> = Json<Name> | undefined

export type Handler<Name extends RouteName> = (
  inputs: Inputs<Name>,
  exchange: Exchange,
) => Promise<Answer<Name>> | Answer<Name>
export type Handlers = { readonly [Name in Exclude<RouteName, 'streamProcess'>]: Handler<Name> }

/** One request and its response, for handlers that need more than the parsed inputs. */
export class Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly waits: Waits
  readonly #away = new AbortController()

  constructor(request: IncomingMessage, response: ServerResponse, waits: Waits) {
    this.request = request
    this.response = response
    this.waits = waits
    response.on('close', () => {
      if (!response.writableFinished) this.#away.abort()
    })
  }

  /** An operation that ends when the client goes away. */
  operation(name: string, timeoutMs?: number): Operation {
    return new Operation(name, { signal: this.#away.signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) })
  }

  /** The raw body. A client that waits for `100 Continue` is told to go on now. */
  bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    this.continue()
    return bodyBytes(this.request, this.waits.bodyIdleMs)
  }

  continue(): void {
    if (this.request.headers.expect !== undefined) this.response.writeContinue()
  }
}
