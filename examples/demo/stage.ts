// SPDX-License-Identifier: Apache-2.0
import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

/** What the viewer sees: sections, facts and live output; coloured on a terminal, plain elsewhere. */
export class Stage {
  readonly #colors = process.stdout.isTTY && !process.env['NO_COLOR']
  readonly #surprises: string[] = []
  #section = 0

  title(text: string, subtitle: string): void {
    this.#print(`\n${this.paint('bold', text)}\n${this.paint('dim', subtitle)}`)
  }

  section(text: string): void {
    this.#section++
    this.#print(`\n${this.paint(['bold', 'cyan'], `${this.#section}  ${text}`)}`)
  }

  note(text: string): void {
    this.#print(`   ${text}`)
  }

  /** A fact that must hold; the demo fails at its end when one did not. */
  expect(holds: boolean, text: string): void {
    this.#print(`   ${holds ? this.paint('green', '✓') : this.paint('red', '✗')} ${text}`)
    if (!holds) this.#surprises.push(text)
  }

  /** Output of a process, indented, line by line as it comes. */
  live(): { write: (text: string) => void; end: () => void } {
    let rest = ''
    const show = (line: string): void => this.#print(`   ${this.paint('dim', '│')} ${line}`)
    return {
      write: (text) => {
        const lines = (rest + text).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) show(line)
      },
      end: () => {
        if (rest !== '') show(rest)
      },
    }
  }

  /** What did not come out as it should. */
  get surprises(): readonly string[] {
    return this.#surprises
  }

  paint(style: Style, text: string): string {
    return this.#colors ? styleText(style, text, { validateStream: false }) : text
  }

  #print(text: string): void {
    process.stdout.write(`${text}\n`)
  }
}
