// SPDX-License-Identifier: Apache-2.0

const SYSTEM_PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

const isWithin = (path: string, directory: string): boolean => path === directory || path.startsWith(`${directory}/`)

/**
 * PATH inside: the toolchains first, then the caller's own directories below /usr in the caller's
 * order, then the system's, then what Isola brings itself. Directories that do not exist inside are
 * left out, so that the order means the same as outside.
 */
export function searchPathInside(
  callerDirectories: readonly string[],
  prefixes: readonly string[],
  own: readonly string[],
): string {
  const callers = callerDirectories.filter(
    (directory) =>
      !SYSTEM_PATH.includes(directory) && ['/usr', ...prefixes].some((prefix) => isWithin(directory, prefix)),
  )
  const bins = [...prefixes, ...own].map((prefix) => `${prefix}/bin`)
  const toolchains = bins.slice(0, prefixes.length)
  return [...new Set([...toolchains, ...callers, ...SYSTEM_PATH, ...bins.slice(prefixes.length)])].join(':')
}
