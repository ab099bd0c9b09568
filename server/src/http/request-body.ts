// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage } from 'node:http'
import { IsolaError, MAX_JSON_BODY_BYTES } from '@isola/protocol'

/**
 * The body as it arrives. Nothing is read from the socket before the consumer asks for more.
 * @throws request.cancelled when the client goes away, request.timed_out when it sends nothing for `idleMs`.
 */
export async function* bodyBytes(
  request: IncomingMessage,
  idleMs: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) {
    const chunk = request.read() as Buffer | null
    if (chunk !== null) {
      yield chunk
    } else if (request.readableEnded) {
      return
    } else if (request.destroyed) {
      throw new IsolaError('request.cancelled', 'the client went away while it sent the body')
    } else {
      await nextChange(request, idleMs)
    }
  }
}

/** A JSON body; an absent one reads as `{}`. Refuses a large one without reading it all. */
export async function readJson(request: IncomingMessage, timeoutMs: number): Promise<unknown> {
  const announced = Number(request.headers['content-length'] ?? 0)
  if (announced > MAX_JSON_BODY_BYTES) throw tooLarge()
  const chunks: Uint8Array[] = []
  let size = 0
  const deadlineMs = performance.now() + timeoutMs
  for await (const chunk of bodyBytes(request, timeoutMs)) {
    size += chunk.length
    if (size > MAX_JSON_BODY_BYTES) throw tooLarge()
    if (performance.now() > deadlineMs) throw tooSlow(timeoutMs)
    chunks.push(chunk)
  }
  return size === 0 ? {} : parseJson(Buffer.concat(chunks))
}

export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw new IsolaError('request.invalid', `body is not JSON in UTF-8: ${(error as Error).message}`)
  }
}

function nextChange(request: IncomingMessage, idleMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const events = ['readable', 'end', 'error', 'close'] as const
    const settle = (end: () => void): void => {
      clearTimeout(timer)
      for (const event of events) request.off(event, onChange)
      end()
    }
    const onChange = (): void => settle(resolve)
    const timer = setTimeout(() => settle(() => reject(tooSlow(idleMs))), idleMs)
    for (const event of events) request.on(event, onChange)
  })
}

function tooLarge(): IsolaError {
  return new IsolaError('request.too_large', `body is larger than ${MAX_JSON_BODY_BYTES} bytes`, {
    context: { limitBytes: MAX_JSON_BODY_BYTES },
  })
}

function tooSlow(timeoutMs: number): IsolaError {
  return new IsolaError('request.timed_out', `body did not arrive within ${timeoutMs} ms`)
}
