// SPDX-License-Identifier: Apache-2.0
import type { ByteSource, LiveProcess } from '@isola/core'
import type { RunResult } from '@isola/protocol'
import { feedStdin } from './feed-stdin.ts'
import { outputText } from './output-text.ts'

/** Waits for the end and answers with the whole output; the agent stops a process whose output would not fit. */
export async function runBuffered(live: LiveProcess, stdin: string | undefined): Promise<RunResult> {
  void feedStdin(live, stdin)
  const [stdout, stderr, { event: _, ...exit }] = await Promise.all([
    collect(live.stdout),
    collect(live.stderr),
    live.exit,
  ])
  return { processId: live.processId, ...exit, stdout: outputText(stdout), stderr: outputText(stderr) }
}

async function collect(source: ByteSource): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks)
}
