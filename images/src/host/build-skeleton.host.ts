// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process'
import { chmod, lstat, mkdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { FileOwners } from '@isola/core'
import { sandboxGroup, sandboxPasswd, sandboxShadow } from './accounts.ts'
import { DIRECTORIES, DPKG_DATABASE, DPKG_TRIGGERS, ETC_ALLOW_LIST, OWN_FILES, USR_LINKS } from './allow-list.ts'
import { copyReadable } from './copy-readable.host.ts'
import { makeMountPoint } from './make-mount-point.host.ts'

const run = promisify(execFile)
const USER_ID = 1000

/** Where every file of the skeleton is `user`'s, what is root's business opens for nobody instead. */
const forRootOnly = (owners: FileOwners) =>
  owners === 'user' ? { file: 0o000, directory: 0o000 } : { file: 0o600, directory: 0o700 }

/**
 * Builds the lowest layer of the root: everything outside /usr.
 *
 * Safety: writes only below `target`, a new directory of ours; reads host files by constant names.
 * @param mountPoints absolute directories where something will be mounted.
 */
export async function buildSkeleton(target: string, mountPoints: readonly string[], owners: FileOwners): Promise<void> {
  await mkdir(target, { mode: 0o755 })
  for (const [path, mode] of Object.entries(DIRECTORIES)) await makeDirectory(join(target, path), mode)
  await copyUsrLinks(target)
  for (const name of ETC_ALLOW_LIST) await copyReadable(join('/etc', name), join(target, 'etc', name))
  await writeAccounts(target, owners)
  for (const [name, text] of Object.entries(OWN_FILES)) await writeFile(join(target, 'etc', name), text)
  await symlink('/proc/self/mounts', join(target, 'etc/mtab'))
  await symlink('/run', join(target, 'var/run'))
  await symlink('/run/lock', join(target, 'var/lock'))
  await copyPackageDatabase(target)
  await makeHomes(target, mountPoints, owners)
}

async function makeDirectory(path: string, mode: number): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o755 })
  // mkdir is subject to the umask, and never sets the sticky bit.
  await chmod(path, mode)
}

async function copyUsrLinks(target: string): Promise<void> {
  for (const name of USR_LINKS) {
    const status = await lstat(`/${name}`).catch(() => undefined)
    if (status?.isSymbolicLink()) await symlink(await readlink(`/${name}`), join(target, name))
  }
}

async function writeAccounts(target: string, owners: FileOwners): Promise<void> {
  const passwd = sandboxPasswd(await readFile('/etc/passwd', 'utf8').catch(() => ''))
  await writeFile(join(target, 'etc/passwd'), passwd)
  await writeFile(join(target, 'etc/group'), sandboxGroup(await readFile('/etc/group', 'utf8').catch(() => '')))
  await writeFile(join(target, 'etc/shadow'), sandboxShadow(passwd), { mode: forRootOnly(owners).file })
}

async function copyPackageDatabase(target: string): Promise<void> {
  const names = DPKG_DATABASE.map((name) => join('/var/lib/dpkg', name))
  const present = await Promise.all(
    names.map((path) =>
      lstat(path).then(
        () => true,
        () => false,
      ),
    ),
  )
  const sources = names.filter((_, index) => present[index])
  if (sources.length === 0) return
  // Ten thousand small files: the copying program is ten times faster than a loop in JavaScript.
  await run('cp', [
    '--recursive',
    '--no-dereference',
    '--reflink=auto',
    '--preserve=mode,timestamps',
    '--',
    ...sources,
    join(target, 'var/lib/dpkg'),
  ])
  // Read with the server's rights, and root inside could read it: only what everybody may read stays.
  await run('find', [join(target, 'var/lib/dpkg'), '-type', 'f', '!', '-perm', '-o=r', '-delete'])
  for (const name of DPKG_TRIGGERS) await copyReadable(join('/var/lib/dpkg', name), join(target, 'var/lib/dpkg', name))
}

async function makeHomes(target: string, mountPoints: readonly string[], owners: FileOwners): Promise<void> {
  const user = join(target, 'home/user')
  // As root's, settings would be in the way of `user`: the launcher then gives an empty home, and the agent fills it.
  if (owners !== 'root') await copyReadable('/etc/skel', user)
  if (owners === 'as-on-disk') {
    await run('chown', ['--recursive', '--no-dereference', `${USER_ID}:${USER_ID}`, user])
  }
  const root = join(target, 'root')
  await mkdir(root, { recursive: true })
  for (const path of mountPoints) await makeMountPoint(target, path, owners)
  // Passing through must be possible when an interpreter lies below; listing never is.
  const way = mountPoints.some((path) => path.startsWith('/root/')) ? 0o111 : 0
  await chmod(root, forRootOnly(owners).directory | way)
}
