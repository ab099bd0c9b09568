// SPDX-License-Identifier: Apache-2.0
import type { ProcessEnd, Sandbox } from '@isola/sdk'
import type { Terminal } from '../output/terminal.ts'
import { feedStdin } from './feed-stdin.ts'
import type { ForegroundOptions } from './foreground.ts'
import type { Interrupts } from './interrupts.ts'

const OUTPUT_LIMIT_BYTES = 64 * 1024 * 1024

/** Output as text where it is UTF-8, else as base64 with the text empty. */
export interface CapturedOutput {
  readonly text: string
  readonly base64?: string
}

/** Runs a command to its end and gives its output in one piece. */
export async function runCaptured(
  sandbox: Sandbox,
  options: ForegroundOptions,
  terminal: Terminal,
  interrupts: Interrupts,
): Promise<{ end: ProcessEnd; stdout: CapturedOutput; stderr: CapturedOutput }> {
  const { argv, tty: _tty, ...rest } = options
  await using inside = await sandbox.processes.start(argv, {
    ...rest,
    outputLimitBytes: OUTPUT_LIMIT_BYTES,
    signal: interrupts.signal,
  })
  interrupts.forwardTo(inside)
  const feeding = options.stdin ? feedStdin(inside, terminal.stdin) : new Promise<never>(() => undefined)
  const chunks = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] }
  const collecting = (async () => {
    for await (const { stream, bytes } of inside.output()) chunks[stream].push(bytes)
  })()
  try {
    await Promise.race([collecting, feeding])
    return { end: await inside.wait(), stdout: encode(chunks.stdout), stderr: encode(chunks.stderr) }
  } finally {
    terminal.stdin.destroy()
  }
}

function encode(chunks: readonly Uint8Array[]): CapturedOutput {
  const bytes = Buffer.concat(chunks)
  const text = bytes.toString('utf8')
  return Buffer.from(text).equals(bytes) ? { text } : { text: '', base64: bytes.toString('base64') }
}
