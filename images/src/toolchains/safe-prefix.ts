// SPDX-License-Identifier: Apache-2.0

const NEVER = ['/proc', '/sys', '/dev', '/run', '/etc', '/boot', '/var/run']
/** Already inside through the /usr overlay and the links beside it. */
const PRESENT = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64']

/** Everybody's data lies in here as well: an interpreter below `~/.local/bin` is no reason to show it. */
const SHARED_NAMES = ['.local', '.config', '.cache', '.var']

const isWithin = (path: string, directory: string): boolean => path === directory || path.startsWith(`${directory}/`)

/**
 * May this directory of the host be shown, read-only, inside sandboxes?
 * Homes and whatever contains one are refused: an interpreter whose prefix is a home would bring
 * the keys in it along. So is whatever contains Isola's own state.
 *
 * @param prefix absolute and free of links.
 * @param keepOut homes and the state directory.
 */
export function mayShow(prefix: string, keepOut: readonly string[]): boolean {
  if (!prefix.startsWith('/') || prefix === '/' || prefix.split('/').includes('..')) return false
  if ([...NEVER, ...PRESENT].some((directory) => isWithin(prefix, directory))) return false
  if (SHARED_NAMES.includes(prefix.slice(prefix.lastIndexOf('/') + 1))) return false
  if (/^\/home\/[^/]+$/.test(prefix)) return false
  return !keepOut.some((directory) => isWithin(directory, prefix))
}
