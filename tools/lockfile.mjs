// SPDX-License-Identifier: Apache-2.0
// npm run lockfile: makes package-lock.json anew after a change of a package.json.
// Plain JavaScript: it is needed exactly when the installed packages are not the wanted ones.
//
// A registry mirror may lack the packages of platforms that Isola is not developed on. npm then leaves them
// out of the lockfile, and `npm ci` refuses a lockfile without them. They are entered here by name, version
// and platform; none of them is ever installed on Linux with glibc.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { root } from './setup/checkout.mjs'
import { pinnedNode } from './setup/pinned-node.mjs'
import { filesBelow } from './setup/stamp.mjs'

const LOCKFILE = 'package-lock.json'
const OPERATING_SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32', 'wasm32']
const PROCESSORS = ['arm64', 'arm', 'ia32', 'ppc64', 'riscv64', 's390x', 'x64', 'wasm32']

// Made in a folder without node_modules: npm takes over entries from there, and those have no integrity.
const folder = mkdtempSync(path.join(tmpdir(), 'isola-lockfile-'))
try {
  for (const manifest of manifests()) cpSync(path.join(root, manifest), path.join(folder, manifest))
  resolve()
  const lock = withForeignPlatforms(JSON.parse(readFileSync(path.join(folder, LOCKFILE), 'utf8')))
  writeFileSync(path.join(root, LOCKFILE), `${JSON.stringify(lock, null, 2)}\n`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Every file that decides what npm installs. */
function manifests() {
  const skipped = new Set(['node_modules', 'target', 'dist', 'src', '.git'])
  const decides = new Set(['package.json', '.npmrc', LOCKFILE])
  return filesBelow(
    '',
    (name) => !skipped.has(name),
    (name) => decides.has(name),
  )
}

/** Under an old Node, npm picks old majors: the pinned one decides. */
function resolve() {
  const npm = process.env.npm_execpath
  if (!npm) throw new Error('run it through npm: npm run lockfile')
  const node = existsSync(pinnedNode()) ? pinnedNode() : process.execPath
  const { status } = spawnSync(node, [npm, 'install', '--package-lock-only', '--ignore-scripts'], {
    cwd: folder,
    stdio: 'inherit',
    env: { ...process.env, PATH: `${path.dirname(node)}:${process.env.PATH}`, npm_config_local_prefix: folder },
  })
  if (status !== 0) throw new Error(`npm install --package-lock-only ended with ${status}`)
}

/** @param {{packages: Record<string, {optionalDependencies?: Record<string, string>}>}} lock */
function withForeignPlatforms(lock) {
  const missing = Object.entries(lock.packages)
    .filter(([place]) => place.startsWith('node_modules/'))
    .flatMap(([, entry]) => Object.entries(entry.optionalDependencies ?? {}))
    .filter(([name]) => !lock.packages[`node_modules/${name}`])
  const entries = missing.map(([name, version]) => [`node_modules/${name}`, foreign(name, version)])
  const sorted = Object.entries({ ...lock.packages, ...Object.fromEntries(entries) }).sort(([a], [b]) =>
    a.localeCompare(b, 'en'),
  )
  return { ...lock, packages: Object.fromEntries(sorted) }
}

/**
 * @param {string} name
 * @param {string} version
 */
function foreign(name, version) {
  const words = name.split(/[-/]/)
  const os = OPERATING_SYSTEMS.find((word) => words.includes(word))
  const cpu = PROCESSORS.find((word) => words.includes(word))
  if (!os || !cpu) throw new Error(`${name}: the name says no platform; add the entry by hand`)
  const libc = words.at(-1)?.startsWith('musl') ? { libc: ['musl'] } : {}
  return { version, cpu: [cpu], dev: true, optional: true, ...libc, os: [os] }
}
