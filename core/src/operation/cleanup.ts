// SPDX-License-Identifier: Apache-2.0

/** What was opened so far, to be closed in reverse order when a later step fails. */
export class Cleanup {
  readonly #steps: { readonly what: string; readonly undo: () => Promise<void> | void }[] = []

  add(what: string, undo: () => Promise<void> | void): void {
    this.#steps.push({ what, undo })
  }

  /** Every step is tried, whatever the others do; answers what could not be undone. */
  async run(): Promise<string[]> {
    const failures: string[] = []
    for (const { what, undo } of this.#steps.splice(0).reverse()) {
      try {
        await undo()
      } catch (error) {
        failures.push(`${what}: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
    return failures
  }
}
