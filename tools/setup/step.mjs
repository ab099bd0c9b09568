// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { SetupError } from './setup-error.mjs'

const FRAME_MS = 120
const PLAIN_NEWS_MS = 10_000
const TAIL_LINES = 60
const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']

/**
 * Runs one long command of the set-up and shows that it is alive: a moving line on a terminal,
 * a line every few seconds elsewhere. Its output is shown only when it fails.
 * @param {{title: string, command: string, args: string[], cwd: string, env?: NodeJS.ProcessEnv, hint: (output: string) => string}} step
 */
export async function runStep(step) {
  const startedMs = Date.now()
  /** @type {string[]} */
  const tail = []
  const show = process.stderr.isTTY ? spinner(step.title, startedMs, tail) : lines(step.title, startedMs, tail)
  const status = await finished(step, (line) => {
    tail.push(line)
    if (tail.length > TAIL_LINES) tail.shift()
  })
  show.end(status === 0)
  if (status === 0) return
  console.error(tail.join('\n'))
  throw new SetupError(`${step.title}: ${step.command} ended with ${status}`, step.hint(tail.join('\n')))
}

/**
 * @param {{command: string, args: string[], cwd: string, env?: NodeJS.ProcessEnv}} step
 * @param {(line: string) => void} onLine
 * @returns {Promise<number | string>}
 */
function finished(step, onLine) {
  return new Promise((resolve) => {
    const child = spawn(step.command, step.args, {
      cwd: step.cwd,
      env: step.env ?? process.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [child.stdout, child.stderr]) {
      let rest = ''
      stream.setEncoding('utf8').on('data', (text) => {
        const parts = (rest + text).split(/\r?\n/)
        rest = parts.pop() ?? ''
        parts.filter((part) => part.trim()).forEach(onLine)
      })
      stream.on('end', () => rest.trim() && onLine(rest))
    }
    child.on('error', (error) => {
      onLine(error.message)
      resolve('an error')
    })
    child.on('close', (code, signal) => resolve(code ?? `${signal}`))
  })
}

/**
 * @param {string} title
 * @param {number} startedMs
 * @param {string[]} tail
 */
function spinner(title, startedMs, tail) {
  let frame = 0
  const timer = setInterval(() => {
    const width = (process.stderr.columns || 80) - 1
    const news = tail.at(-1)?.trim() ?? ''
    const line = `${FRAMES[frame++ % FRAMES.length]} ${title} ${seconds(startedMs)}  ${news}`
    process.stderr.write(`\r\x1b[2K${line.slice(0, width)}`)
  }, FRAME_MS)
  return {
    /** @param {boolean} ok */
    end(ok) {
      clearInterval(timer)
      process.stderr.write(`\r\x1b[2K${ok ? '✓' : '✗'} ${title} ${seconds(startedMs)}\n`)
    },
  }
}

/**
 * @param {string} title
 * @param {number} startedMs
 * @param {string[]} tail
 */
function lines(title, startedMs, tail) {
  console.error(`· ${title}`)
  const timer = setInterval(() => {
    console.error(`  ${seconds(startedMs)}  ${tail.at(-1)?.trim() ?? ''}`.trimEnd())
  }, PLAIN_NEWS_MS)
  return {
    /** @param {boolean} ok */
    end(ok) {
      clearInterval(timer)
      console.error(`${ok ? '✓' : '✗'} ${title} ${seconds(startedMs)}`)
    },
  }
}

/** @param {number} startedMs */
function seconds(startedMs) {
  return `${((Date.now() - startedMs) / 1000).toFixed(1)} s`
}
