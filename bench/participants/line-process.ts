// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface Answer {
  readonly ok: boolean
  readonly error?: string
  readonly [field: string]: unknown
}

const ANSWER_LIMIT_MS = 120_000
const END_GRACE_MS = 20_000

/**
 * A program that takes one command per line (fields end with a tab) and answers each with one line of
 * JSON. All that is measured runs in such programs, so that the one who asks costs nobody anything.
 */
export class LineProcess {
  readonly pid: number
  readonly #child: ChildProcess
  readonly #ended: Promise<string>
  #waiting: PromiseWithResolvers<Answer> | undefined

  constructor(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], env })
    if (child.pid === undefined) throw new Error(`start ${program}: not found or not executable`)
    this.pid = child.pid
    this.#child = child
    this.#ended = new Promise((resolve) => {
      child.once('error', (error) => resolve(error.message))
      child.once('exit', (code, signal) => resolve(`it ended with ${signal ?? code}`))
    })
    void this.#ended.then((reason) => this.#waiting?.reject(new Error(reason)))
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => this.#take(line))
  }

  /** @throws when the program ended, or took too long. */
  async ask(...fields: readonly string[]): Promise<Answer> {
    if (this.#waiting !== undefined) throw new Error('one command at a time')
    if (this.#child.exitCode !== null) throw new Error(await this.#ended)
    const waiting = Promise.withResolvers<Answer>()
    this.#waiting = waiting
    const timer = setTimeout(() => waiting.reject(new Error(`no answer to ${fields[0]}`)), ANSWER_LIMIT_MS)
    this.#child.stdin?.write(`${fields.join('\t')}\n`)
    try {
      return await waiting.promise
    } finally {
      clearTimeout(timer)
      this.#waiting = undefined
    }
  }

  /** The end of its input is its signal to clean up and to end. */
  async close(): Promise<void> {
    this.#child.stdin?.end()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), END_GRACE_MS)
    await this.#ended
    clearTimeout(timer)
  }

  #take(line: string): void {
    const answer = JSON.parse(line) as Answer
    this.#waiting?.resolve(answer)
  }
}
