// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process'
import { chmod, chown, lstat, mkdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { sandboxGroup, sandboxPasswd, sandboxShadow } from './accounts.ts'
import {
  DIRECTORIES,
  DPKG_DATABASE,
  DPKG_TRIGGERS,
  ETC_ALLOW_LIST,
  HOSTS,
  RESOLV_CONF,
  USR_LINKS,
} from './allow-list.ts'
import { copyReadable } from './copy-readable.host.ts'

const run = promisify(execFile)
const USER_ID = 1000

/**
 * Built by an ordinary user, every file of the skeleton is that user's, who is `user` inside; what is
 * root's business then opens for nobody instead.
 */
const FOR_ROOT_ONLY = process.getuid?.() === 0 ? { file: 0o600, directory: 0o700 } : { file: 0o000, directory: 0o000 }

/**
 * Builds the lowest layer of the root: everything outside /usr.
 *
 * Safety: writes only below `target`, a new directory of ours; reads host files by constant names.
 * @param mountPoints absolute directories where something will be mounted.
 */
export async function buildSkeleton(target: string, mountPoints: readonly string[]): Promise<void> {
  await mkdir(target, { mode: 0o755 })
  for (const [path, mode] of Object.entries(DIRECTORIES)) await makeDirectory(join(target, path), mode)
  await copyUsrLinks(target)
  for (const name of ETC_ALLOW_LIST) await copyReadable(join('/etc', name), join(target, 'etc', name))
  await writeAccounts(target)
  await writeFile(join(target, 'etc/hosts'), HOSTS)
  await writeFile(join(target, 'etc/resolv.conf'), RESOLV_CONF)
  await symlink('/proc/self/mounts', join(target, 'etc/mtab'))
  await symlink('/run', join(target, 'var/run'))
  await symlink('/run/lock', join(target, 'var/lock'))
  await copyPackageDatabase(target)
  await makeHomes(target, mountPoints)
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

async function writeAccounts(target: string): Promise<void> {
  const passwd = sandboxPasswd(await readFile('/etc/passwd', 'utf8').catch(() => ''))
  await writeFile(join(target, 'etc/passwd'), passwd)
  await writeFile(join(target, 'etc/group'), sandboxGroup(await readFile('/etc/group', 'utf8').catch(() => '')))
  await writeFile(join(target, 'etc/shadow'), sandboxShadow(passwd), { mode: FOR_ROOT_ONLY.file })
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
  for (const name of DPKG_TRIGGERS) await copyReadable(join('/var/lib/dpkg', name), join(target, 'var/lib/dpkg', name))
}

async function makeHomes(target: string, mountPoints: readonly string[]): Promise<void> {
  const user = join(target, 'home/user')
  await copyReadable('/etc/skel', user)
  // As an ordinary user the files are ours, and inside we are `user` already.
  if (process.getuid?.() === 0) await run('chown', ['--recursive', '--no-dereference', `${USER_ID}:${USER_ID}`, user])
  for (const path of mountPoints) await mkdir(join(target, path), { recursive: true, mode: 0o755 })
  const root = join(target, 'root')
  await mkdir(root, { recursive: true })
  // Passing through must be possible when an interpreter lies below; listing never is.
  await chmod(
    root,
    mountPoints.some((path) => path.startsWith('/root/')) ? FOR_ROOT_ONLY.directory | 0o111 : FOR_ROOT_ONLY.directory,
  )
  for (const path of mountPoints) await openParents(target, path)
  if (process.getuid?.() === 0) await chown(target, 0, 0)
}

/** Directories above a mount point carry no more than the way to it. */
async function openParents(target: string, path: string): Promise<void> {
  for (let parent = dirname(path); parent !== '/' && parent !== '/root'; parent = dirname(parent)) {
    await chmod(join(target, parent), 0o755)
  }
}
