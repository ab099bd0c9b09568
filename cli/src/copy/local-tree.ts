// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { chmod, lstat, mkdir, open, readlink, rename, symlink, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CopyError } from './copy-error.ts'

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants

/**
 * Writes a tree that somebody else describes, below `root` and nowhere else: every directory on
 * the way is looked at before it is used, files come into being under a name of our own and are
 * renamed, and links are made last, when nothing is written through them any more.
 */
export class LocalTree {
  readonly #root: string
  readonly #directories = new Map<string, Promise<void>>()
  readonly #modes: { path: string; mode: number }[] = []
  readonly #links: { path: string; target: string }[] = []

  constructor(root: string) {
    this.#root = root
  }

  async directory(parts: readonly string[], mode: number): Promise<void> {
    await this.#ensure(parts)
    this.#modes.push({ path: join(this.#root, ...parts), mode: mode & 0o777 })
  }

  async file(parts: readonly string[], mode: number, content: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#ensure(parts.slice(0, -1))
    await writeLocalFile(join(this.#root, ...parts), mode, content)
  }

  link(parts: readonly string[], target: string): void {
    this.#links.push({ path: join(this.#root, ...parts), target })
  }

  /** Links, then modes, the deepest first: a directory that may not be written is closed last. */
  async finish(): Promise<void> {
    for (const { path, target } of this.#links) {
      await this.#ensure(
        path
          .slice(this.#root.length + 1)
          .split('/')
          .slice(0, -1),
      )
      if ((await readlink(path).catch(() => undefined)) === target) continue
      await symlink(target, path)
    }
    for (const { path, mode } of this.#modes.toReversed()) await chmod(path, mode)
  }

  async #ensure(parts: readonly string[]): Promise<void> {
    const path = join(this.#root, ...parts)
    let made = this.#directories.get(path)
    if (made === undefined) {
      made = (parts.length === 0 ? Promise.resolve() : this.#ensure(parts.slice(0, -1))).then(() =>
        makeRealDirectory(path),
      )
      this.#directories.set(path, made)
    }
    await made
  }
}

/** Writes a file beside its final name and renames it, so that it appears whole and follows no link. */
export async function writeLocalFile(path: string, mode: number, content: AsyncIterable<Uint8Array>): Promise<void> {
  const temporary = join(dirname(path), `.isola-${randomBytes(8).toString('hex')}`)
  const file = await open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    for await (const chunk of content) await file.writeFile(chunk)
    await file.chmod(mode & 0o777)
    await file.close()
    await rename(temporary, path)
  } catch (error) {
    await file.close().catch(() => undefined)
    await unlink(temporary).catch(() => undefined)
    throw error
  }
}

async function makeRealDirectory(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    if (!(await lstat(path)).isDirectory())
      throw new CopyError(`copy: ${path} is in the way and is no directory`, 'remove it, or copy to another place')
  }
}
