// SPDX-License-Identifier: Apache-2.0
import { realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, posix } from 'node:path'
import { type FileEntry, IsolaError, type Sandbox } from '@isola/sdk'
import { CopyError } from './copy-error.ts'
import { eachConcurrently } from './each-concurrently.ts'
import { entryParts, staysWithin } from './entry-path.ts'
import { LocalTree, writeLocalFile } from './local-tree.ts'
import type { CopyProgress } from './progress.ts'

export interface CopyOptions {
  readonly sandbox: Sandbox
  readonly user: string | undefined
  readonly signal: AbortSignal
}

const AT_ONCE = 8
const LIST_DEPTH = 64

/** Copies a file or directory out of a sandbox, as `cp -r` would. */
export async function download(
  source: string,
  target: string,
  options: CopyOptions,
  progress: CopyProgress,
): Promise<void> {
  const { files, info } = options.sandbox
  const from = posix.resolve(info.workdir, source)
  const entry = await files.stat(from, { follow: true, user: options.user, signal: options.signal })
  const to = await targetPath(from, target)
  if (entry.type === 'directory') return downloadTree(from, to, options, progress)
  if (entry.type !== 'file')
    throw new CopyError(`copy ${source}: it is neither a file nor a directory`, 'copy the files beside it one by one')
  await writeLocalFile(to, entry.mode, await openRemote(from, options, progress))
  progress.files++
}

/** The bytes of one file, for standard output. */
export async function openRemote(
  path: string,
  { sandbox, user, signal }: CopyOptions,
  progress: CopyProgress,
): Promise<AsyncIterable<Uint8Array>> {
  return progress.count(await sandbox.files.readStream(path, { user, signal }))
}

async function downloadTree(from: string, to: string, options: CopyOptions, progress: CopyProgress): Promise<void> {
  const tree = new LocalTree(join(await realpath(dirname(to)), basename(to)))
  await tree.directory([], 0o755)
  await eachConcurrently(walkAll(from, options), AT_ONCE, async (entry) => {
    const parts = entryParts(from, entry.path)
    if (entry.type === 'directory') return tree.directory(parts, entry.mode)
    if (entry.type === 'symlink') return copyLink(tree, parts, entry, progress)
    if (entry.type === 'other') return progress.skip(entry.path, 'neither a file, a directory nor a link')
    const content = await openRemote(entry.path, options, progress).catch(rethrowUnlessGone)
    if (content === undefined) return progress.skip(entry.path, 'it is gone, or its name is not text')
    await tree.file(parts, entry.mode, content)
    progress.files++
  })
  await tree.finish()
}

/** One file that vanished since it was listed does not end the copy of all others. */
function rethrowUnlessGone(error: unknown): undefined {
  if (!IsolaError.is(error) || error.code !== 'file.not_found') throw error
}

/** All that lies below, however deep. */
async function* walkAll(path: string, options: CopyOptions): AsyncGenerator<FileEntry> {
  const { sandbox, user, signal } = options
  for await (const entry of sandbox.files.walk(path, { depth: LIST_DEPTH, limit: 10_000_000, user, signal })) {
    yield entry
    const depth = entryParts(path, entry.path).length
    if (entry.type === 'directory' && depth >= LIST_DEPTH) yield* walkAll(entry.path, options)
  }
}

function copyLink(tree: LocalTree, parts: string[], { path, target = '' }: FileEntry, progress: CopyProgress): void {
  if (staysWithin(parts, target)) tree.link(parts, target)
  else progress.skip(path, `a link to ${target}, which is not copied with it`)
}

/** Into a directory that is there, else under the name that was given. */
async function targetPath(from: string, target: string): Promise<string> {
  const found = await stat(target).catch(() => undefined)
  if (found?.isDirectory()) {
    const name = basename(from)
    if (name === '')
      throw new CopyError(
        `copy / to ${target}: it has no name of its own`,
        'give the name of a directory that is not there yet',
      )
    return join(target, name)
  }
  if (target.endsWith('/'))
    throw new CopyError(`copy to ${target}: no such directory`, 'make it first, or leave the slash out')
  return target
}
