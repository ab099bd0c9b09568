// SPDX-License-Identifier: Apache-2.0
/**
 * Hands every key to the process inside. The terminal gets its mode back when this is disposed
 * of, and also when the program ends in any other way than SIGKILL.
 */
export function enterRawMode(stdin: NodeJS.ReadStream): Disposable {
  const restore = (): void => {
    try {
      stdin.setRawMode(false)
    } catch {
      // It is gone, and its mode with it.
    }
  }
  stdin.setRawMode(true)
  process.once('exit', restore)
  return {
    [Symbol.dispose]() {
      process.off('exit', restore)
      restore()
    },
  }
}
