// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs'
import path from 'node:path'

/**
 * A directory with a short path, because unix sockets lie below it: a socket's path has at most
 * 107 bytes. Removed with `using`.
 */
export class TemporaryDirectory implements Disposable {
  readonly path: string

  constructor(owner?: { uid: number; gid: number }) {
    this.path = mkdtempSync('/tmp/it-')
    chmodSync(this.path, 0o700)
    if (owner !== undefined && process.getuid?.() === 0) chownSync(this.path, owner.uid, owner.gid)
  }

  join(...parts: string[]): string {
    return path.join(this.path, ...parts)
  }

  [Symbol.dispose](): void {
    // Directories that are closed to their own user (as /root of a template) cannot be emptied by an ordinary one.
    if (process.getuid?.() !== 0) spawnSync('chmod', ['-R', 'u+rwX', this.path])
    rmSync(this.path, { recursive: true, force: true, maxRetries: 3 })
  }
}
