// SPDX-License-Identifier: Apache-2.0
import { IsolaError, type ProcessEnd } from '@isola/sdk'
import { expect, test } from 'vitest'
import { errorExitCode, exitVerdict } from './exit-code.ts'
import { Interrupted } from './interrupts.ts'

const end: ProcessEnd = {
  exitCode: null,
  signal: null,
  timedOut: false,
  oomKilled: false,
  outputCapped: false,
  durationMs: 5,
  droppedBytes: 0,
}
const limits = { timeoutMs: 1000, memoryMib: 64 }

test.each<[string, Partial<ProcessEnd>, number, string | undefined]>([
  ['its own code', { exitCode: 7 }, 7, undefined],
  ['success', { exitCode: 0 }, 0, undefined],
  ['a signal', { signal: 'SIGTERM' }, 143, undefined],
  ['Ctrl-C', { signal: 'SIGINT' }, 130, undefined],
  ['too late', { signal: 'SIGTERM', timedOut: true }, 124, 'timed out after 1s'],
  ['too late, though it ended well', { exitCode: 0, timedOut: true }, 124, 'timed out after 1s'],
  ['out of memory', { signal: 'SIGKILL', oomKilled: true }, 137, 'out of memory: killed at its limit of 64 MiB'],
  [
    'a child out of memory',
    { exitCode: 1, oomKilled: true },
    1,
    'out of memory: a process inside was killed at its limit of 64 MiB',
  ],
  ['a child out of memory that did not matter', { exitCode: 0, oomKilled: true }, 0, undefined],
  ['too much output', { signal: 'SIGKILL', outputCapped: true }, 137, 'ended: it wrote more than it may'],
])('%s', (_, fields, code, message) => {
  const verdict = exitVerdict({ ...end, ...fields }, limits)
  expect(verdict.code).toBe(code)
  expect(verdict.note?.message).toBe(message)
})

test.each<[unknown, boolean, number]>([
  [new IsolaError('process.program_not_found', ''), true, 127],
  [new IsolaError('process.not_executable', ''), true, 126],
  [new IsolaError('server.unreachable', ''), true, 125],
  [new Error('a fault'), true, 125],
  [new Interrupted('SIGINT'), true, 130],
  [new Interrupted('SIGTERM'), false, 143],
  [new IsolaError('sandbox.not_found', ''), false, 1],
])('%s is told by its exit code', (error, runs, code) => {
  expect(errorExitCode(error, runs)).toBe(code)
})
