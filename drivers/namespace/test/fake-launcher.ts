// SPDX-License-Identifier: Apache-2.0
// A fake launcher: the real command line, socket and frames, without anything behind them.
import { appendFileSync, closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import path from 'node:path'
import { encodeFrame, type Frame, FrameReader, FrameType, LAUNCHER_GENERATION } from '@isola/protocol'
import { probeResult, STRONG } from './probe-results.ts'

const READY_FD = 3
const state = process.argv[process.argv.indexOf('--state') + 1] as string
const mode = process.env['FAKE_LAUNCHER'] ?? ''
const socketPath = path.join(state, 'launcher.sock')
const lockPath = path.join(state, 'fake.lock')

if (mode === 'broken') {
  say('cannot open /dev/loop-control')
  process.exitCode = 1
} else if (isLocked()) {
  say('busy\n')
  process.exitCode = 3
} else listen()

function say(text: string): void {
  writeSync(READY_FD, text)
  closeSync(READY_FD)
}

function isLocked(): boolean {
  try {
    closeSync(openSync(lockPath, 'wx'))
    return false
  } catch {
    return true
  }
}

function listen(): void {
  appendFileSync(path.join(state, 'starts'), `${process.pid}\n`)
  rmSync(socketPath, { force: true })
  createServer(serve).listen(socketPath, () => say('ready\n'))
}

function serve(socket: Socket): void {
  const reader = new FrameReader('strict')
  let epoch = 0
  const send = (type: FrameType, id: number, value: unknown): void => {
    socket.write(encodeFrame({ epoch, type, id, payload: new TextEncoder().encode(JSON.stringify(value)) }))
  }
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    for (const frame of reader.push(chunk)) {
      if (frame.type === FrameType.hello) {
        epoch = frame.epoch
        send(FrameType.hello, 0, {
          generation: LAUNCHER_GENERATION,
          role: 'launcher',
          version: '0.0.0',
          pid: process.pid,
        })
      } else answer(frame, (value) => send(FrameType.response, frame.id, value), socket)
    }
  })
}

function answer(frame: Frame, respond: (value: unknown) => void, socket: Socket): void {
  const { op, ...request } = JSON.parse(Buffer.from(frame.payload).toString()) as { op: string; path?: string }
  switch (op) {
    case 'probe':
      return respond({ ok: true, ...probeResult(STRONG) })
    case 'list':
      return respond({ ok: true, sandboxes: [] })
    case 'maskscan':
      return respond({ ok: true, entries: [{ path: `${request.path}/secret`, type: 'file' }] })
    case 'stats':
      // As when it is killed in the middle of a request.
      rmSync(lockPath, { force: true })
      return process.kill(process.pid, 'SIGKILL') ? undefined : undefined
    case 'shutdown':
      respond({ ok: true })
      rmSync(lockPath, { force: true })
      rmSync(socketPath, { force: true })
      socket.end(() => process.exit(0))
      return undefined
    default:
      return respond({ ok: false, error: { code: 'request.unknown_operation', message: `unknown operation ${op}` } })
  }
}
