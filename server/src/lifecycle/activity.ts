// SPDX-License-Identifier: Apache-2.0

/** Counts what is in flight, and tells when nothing is. */
export class Activity {
  #inFlight = 0
  #isClosing = false
  readonly #onQuiet: (() => void)[] = []

  get inFlight(): number {
    return this.#inFlight
  }

  /** Set once the server has decided to stop: no new work. */
  get isClosing(): boolean {
    return this.#isClosing
  }

  close(): void {
    this.#isClosing = true
  }

  begin(): Disposable {
    this.#inFlight += 1
    let isOver = false
    return {
      [Symbol.dispose]: () => {
        if (isOver) return
        isOver = true
        this.#inFlight -= 1
        if (this.#inFlight === 0) for (const listener of this.#onQuiet) listener()
      },
    }
  }

  /** Called each time the last work in flight has ended. */
  onQuiet(listener: () => void): void {
    this.#onQuiet.push(listener)
  }

  /** Resolves when nothing is in flight, or after `withinMs`. */
  async quiet(withinMs: number): Promise<void> {
    if (this.#inFlight === 0) return
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, withinMs)
      this.onQuiet(resolve)
    })
    clearTimeout(timer)
  }
}
