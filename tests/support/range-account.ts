// SPDX-License-Identifier: Apache-2.0
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { type Account, isRoot } from './account.ts'
import { TemporaryDirectory } from './temporary-directory.ts'

/** Ids that no system hands out. */
const ACCOUNT_ID = 64_513
const RANGE_START = 1_500_000_000
const RANGE_COUNT = 65_536

/** What is said about an account, and looked at by `newuidmap`, in places of a test's own. */
const FILES = ['passwd', 'subuid', 'subgid'] as const
const IN_OWN_FILES = `
for name in ${FILES.join(' ')}; do mount --bind "$0/$name" "/etc/$name" || exit 1; done
exec "$@"`

/** Why there can be no account with subordinate ids, if so. */
export function rangeObstacle(): string | undefined {
  if (!isRoot) return 'only root can play an account with subordinate ids'
  const missing = ['/usr/bin/newuidmap', '/usr/bin/newgidmap', '/etc/subuid', '/etc/subgid'].find(
    (file) => !existsSync(file),
  )
  return missing === undefined ? undefined : `this host has no ${missing}`
}

/**
 * An ordinary account to which the administrator gave a range of ids. The host's user database is not
 * touched: what the account runs sees another one, in a mount namespace that goes with it.
 */
export class RangeAccount implements Account, Disposable {
  readonly uid = ACCOUNT_ID
  readonly gid = ACCOUNT_ID
  readonly prefix: readonly string[]
  readonly #directory = new TemporaryDirectory()

  constructor() {
    chmodSync(this.#directory.path, 0o755)
    this.#write(
      'passwd',
      `${readFileSync('/etc/passwd', 'utf8')}isola-range:x:${ACCOUNT_ID}:${ACCOUNT_ID}::/:/bin/sh\n`,
    )
    this.giveRange()
    this.prefix = [
      ...['unshare', '--mount', '--propagation=slave', '--', 'sh', '-c', IN_OWN_FILES, this.#directory.path],
      ...['setpriv', `--reuid=${ACCOUNT_ID}`, `--regid=${ACCOUNT_ID}`, '--clear-groups', '--inh-caps=-all', '--'],
    ]
  }

  /** For what is started from now on. */
  giveRange(): void {
    for (const name of ['subuid', 'subgid']) this.#write(name, `${ACCOUNT_ID}:${RANGE_START}:${RANGE_COUNT}\n`)
  }

  takeRangeAway(): void {
    for (const name of ['subuid', 'subgid']) this.#write(name, '')
  }

  /** The id on the host that an id inside has. */
  idOnHost(idInside: number): number {
    return idInside === 0 ? ACCOUNT_ID : RANGE_START + idInside - 1
  }

  #write(name: string, text: string): void {
    writeFileSync(this.#directory.join(name), text)
    chmodSync(this.#directory.join(name), 0o644)
  }

  [Symbol.dispose](): void {
    this.#directory[Symbol.dispose]()
  }
}
