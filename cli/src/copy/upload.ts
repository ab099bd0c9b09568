// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs'
import { lstat, open, opendir, readlink } from 'node:fs/promises'
import { basename, join, posix, resolve } from 'node:path'
import { IsolaError } from '@isola/sdk'
import { CopyError } from './copy-error.ts'
import type { CopyOptions } from './download.ts'
import { eachConcurrently } from './each-concurrently.ts'
import type { CopyProgress } from './progress.ts'

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants
const AT_ONCE = 8
/** Far below what fits a request and an argument list. */
const PATHS_AT_ONCE = 100
const OWNER_MAY_ALL = 0o700

interface LocalEntry {
  readonly local: string
  readonly remote: string
  readonly kind: 'file' | 'directory' | 'symlink' | 'other'
  readonly mode: number
}

/** Copies a file or directory into a sandbox, as `cp -r` would. Links are copied as links, never followed. */
export async function upload(
  source: string,
  target: string,
  options: CopyOptions,
  progress: CopyProgress,
): Promise<void> {
  const { sandbox } = options
  const remote = await remotePath(
    posix.resolve(sandbox.info.workdir, target),
    basename(resolve(source)),
    target,
    options,
  )
  const top = await localEntry(source, remote)
  if (top.kind === 'other')
    throw new CopyError(`copy ${source}: it is neither a file nor a directory`, 'use - to copy from a pipe')
  if (top.kind !== 'directory') return copyEntry(top, options, progress)
  const closed: LocalEntry[] = []
  await makeRemoteDirectory(top, closed, options)
  await eachConcurrently(walkLocal(top, closed, options), AT_ONCE, (entry) => copyEntry(entry, options, progress))
  await closeDirectories(closed, options)
}

/** Every entry below; a directory is made before what lies in it is told. */
async function* walkLocal(
  directory: LocalEntry,
  closed: LocalEntry[],
  options: CopyOptions,
): AsyncGenerator<LocalEntry> {
  for await (const { name } of await opendir(directory.local)) {
    options.signal.throwIfAborted()
    const entry = await localEntry(join(directory.local, name), `${directory.remote}/${name}`)
    if (entry.kind === 'directory') {
      await makeRemoteDirectory(entry, closed, options)
      yield* walkLocal(entry, closed, options)
    } else yield entry
  }
}

async function copyEntry(
  { kind, local, remote, mode }: LocalEntry,
  options: CopyOptions,
  progress: CopyProgress,
): Promise<void> {
  const { sandbox, user, signal } = options
  if (kind === 'other') return progress.skip(local, 'neither a file, a directory nor a link')
  if (kind === 'symlink') {
    await sandbox.run(['ln', '-sfn', '--', await readlink(local), remote], { user, signal, check: true })
  } else {
    // A name that has become a link or a pipe since it was looked at must not be followed or waited for.
    await using file = await open(local, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    const content = file.createReadStream({ highWaterMark: 256 * 1024 })
    await sandbox.files.write(remote, progress.count(content), { mode, user, signal, parents: true })
  }
  progress.files++
}

/** One that is there keeps its mode. One that its owner may not fill is open until it is filled; see `closed`. */
async function makeRemoteDirectory(
  entry: LocalEntry,
  closed: LocalEntry[],
  { sandbox, user, signal }: CopyOptions,
): Promise<void> {
  const { remote, mode } = entry
  const make = (parents: boolean): Promise<void> =>
    sandbox.files.makeDirectory(remote, { mode: mode | OWNER_MAY_ALL, parents, user, signal })
  try {
    await make(false)
  } catch (error) {
    // What is there is a directory, or told to be none.
    if (hasCode(error, 'file.exists')) return make(true)
    if (!hasCode(error, 'file.not_found')) throw error
    await make(true)
  }
  if ((mode & OWNER_MAY_ALL) !== OWNER_MAY_ALL) closed.push(entry)
}

/** Gives directories their modes at last, the deepest first. */
async function closeDirectories(closed: LocalEntry[], { sandbox, user, signal }: CopyOptions): Promise<void> {
  const left = closed.toReversed()
  while (left.length > 0) {
    const { mode } = left[0] as LocalEntry
    const others = left.findIndex((entry) => entry.mode !== mode)
    const same = left.splice(0, Math.min(PATHS_AT_ONCE, others === -1 ? left.length : others))
    const paths = same.map(({ remote }) => remote)
    await sandbox.run(['chmod', mode.toString(8), '--', ...paths], { user, signal, check: true })
  }
}

function hasCode(error: unknown, code: string): boolean {
  return IsolaError.is(error) && error.code === code
}

async function localEntry(local: string, remote: string): Promise<LocalEntry> {
  const found = await lstat(local)
  const kind = found.isFile()
    ? 'file'
    : found.isDirectory()
      ? 'directory'
      : found.isSymbolicLink()
        ? 'symlink'
        : 'other'
  return { local, remote, kind, mode: found.mode & 0o777 }
}

/** Into a directory that is there, else under the name that was given. */
async function remotePath(
  target: string,
  name: string,
  given: string,
  { sandbox, user, signal }: CopyOptions,
): Promise<string> {
  try {
    const entry = await sandbox.files.stat(target, { follow: true, user, signal })
    return entry.type === 'directory' ? posix.join(target, name) : target
  } catch (error) {
    if (!hasCode(error, 'file.not_found')) throw error
    if (given.endsWith('/'))
      throw new CopyError(`copy to ${given}: no such directory in the sandbox`, 'make it first, or leave the slash out')
    return target
  }
}
