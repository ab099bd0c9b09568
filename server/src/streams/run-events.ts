// SPDX-License-Identifier: Apache-2.0
import type { ByteSource, LiveProcess } from '@isola/core'
import type { RunEvent } from '@isola/protocol'
import { feedStdin } from './feed-stdin.ts'
import { OutputTextStream } from './output-text.ts'

/** A process as events, both outputs in the order of their arrival, its end last. */
export async function* runEvents(
  live: LiveProcess,
  stdin: string | undefined,
): AsyncGenerator<RunEvent, void, undefined> {
  void feedStdin(live, stdin)
  yield { event: 'started', processId: live.processId, pid: live.pid }
  yield* merge(outputEvents('stdout', live.stdout), outputEvents('stderr', live.stderr))
  yield await live.exit
}

async function* outputEvents(
  event: 'stdout' | 'stderr',
  source: ByteSource,
): AsyncGenerator<RunEvent, void, undefined> {
  const texts = new OutputTextStream()
  for await (const chunk of source) {
    const text = texts.push(chunk)
    if (text !== undefined) yield { event, ...text }
  }
  const rest = texts.end()
  if (rest !== undefined) yield { event, ...rest }
}

/** Both sources as one; each is asked for its next value only when its last one was taken. */
async function* merge<T>(...sources: AsyncGenerator<T, void, undefined>[]): AsyncGenerator<T, void, undefined> {
  const pending = new Map(sources.map((source) => [source, nextOf(source)]))
  try {
    while (pending.size > 0) {
      const { source, result } = await Promise.race(pending.values())
      if (result.done === true) {
        pending.delete(source)
      } else {
        pending.set(source, nextOf(source))
        yield result.value
      }
    }
  } finally {
    // Not awaited: a generator that waits for its source ends only when that does.
    for (const source of pending.keys()) source.return().catch(() => {})
  }
}

async function nextOf<T>(source: AsyncGenerator<T, void, undefined>) {
  return { source, result: await source.next() }
}
