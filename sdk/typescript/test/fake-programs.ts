// SPDX-License-Identifier: Apache-2.0
import type { ProcessExit, StartProcess } from '@isola/protocol'

/** What a program of the fake sees of its process. */
export interface FakeProcess {
  readonly argv: readonly string[]
  readonly start: StartProcess
  readonly input: AsyncIterable<Uint8Array>
  /** Resolves when the client has granted room for it. */
  write(stream: 'stdout' | 'stderr', bytes: Uint8Array | string): Promise<void>
  /** Resolves with the next signal that the client sends. */
  signalled(): Promise<string>
  resized(): Promise<{ cols: number; rows: number }>
}

export type FakeEnd = Partial<ProcessExit>
export type FakeProgram = (process: FakeProcess) => Promise<FakeEnd>

/** Programs whose behaviour the tests need; nothing of the host runs. */
export const fakePrograms: Record<string, FakeProgram> = {
  async echo({ argv, write }) {
    await write('stdout', `${argv.slice(1).join(' ')}\n`)
    return { exitCode: 0 }
  },
  async warn({ argv, write }) {
    await write('stderr', `${argv.slice(1).join(' ')}\n`)
    return { exitCode: 1 }
  },
  async cat({ input, write }) {
    for await (const chunk of input) await write('stdout', chunk)
    return { exitCode: 0 }
  },
  async exit({ argv }) {
    return { exitCode: Number(argv[1]) }
  },
  async die({ argv }) {
    return { exitCode: null, signal: argv[1] ?? 'SIGKILL' }
  },
  async oom() {
    return { exitCode: null, signal: 'SIGKILL', oomKilled: true }
  },
  async oomchild() {
    return { exitCode: 3, oomKilled: true }
  },
  async slow() {
    return { exitCode: null, signal: 'SIGTERM', timedOut: true, durationMs: 1000 }
  },
  async cap() {
    return { exitCode: null, signal: 'SIGKILL', outputCapped: true }
  },
  /** Bytes of a fixed pattern: `pour COUNT`. */
  async pour({ argv, write }) {
    const total = Number(argv[1])
    for (let offset = 0; offset < total; offset += 65_521)
      await write('stdout', pattern(offset, Math.min(65_521, total - offset)))
    return { exitCode: 0 }
  },
  /** Ends with the signal it gets. */
  async wait({ signalled, write }) {
    await write('stdout', 'waiting\n')
    return { exitCode: null, signal: await signalled() }
  },
  /** Survives the first signal. */
  async stubborn({ signalled, write }) {
    await write('stdout', 'waiting\n')
    await write('stdout', `got ${await signalled()}\n`)
    return { exitCode: null, signal: await signalled() }
  },
  async environment({ start, write }) {
    await write('stdout', JSON.stringify(start))
    return { exitCode: 0 }
  },
  async size({ start, resized, write }) {
    await write('stdout', `${JSON.stringify(start.tty)}\n`)
    await write('stdout', JSON.stringify(await resized()))
    return { exitCode: 0 }
  },
  /** Reads nothing of what it is given. */
  async deaf() {
    return { exitCode: 0 }
  },
}

/** Byte `n` of the pattern depends on `n` alone, so that a lost or doubled chunk shows. */
export function pattern(offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let index = 0; index < length; index++) bytes[index] = ((offset + index) * 31 + ((offset + index) >>> 11)) & 0xff
  return bytes
}
