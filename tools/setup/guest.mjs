// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { requireWritable, root } from './checkout.mjs'
import { SetupError } from './setup-error.mjs'
import { filesBelow, fingerprint, readStamp, writeStamp } from './stamp.mjs'
import { runStep } from './step.mjs'

const TITLE = 'build the agent and the launcher'
const STAMP = 'guest/target/.isola-build'
const BINARIES = ['isola-agent', 'isola-launcher']

/** Refuses at once what would fail after minutes: the tools are looked for before anything is fetched. */
export function requireGuestTools() {
  if (isBuilt(fingerprint(guestSources()))) return
  requireWritable('guest/target', TITLE)
  requireTool('cargo', 'install Rust 1.91 or newer with rustup, and have cargo on PATH')
  requireTool('cc', 'install a C compiler and its libraries (Debian: gcc libc6-dev)')
}

/** Builds the Rust binaries, unless they are there and made from these very sources. */
export async function buildGuest() {
  const wanted = fingerprint(guestSources())
  if (isBuilt(wanted)) return
  await runStep({
    title: TITLE,
    command: 'cargo',
    args: ['build', '--release', '--locked'],
    cwd: path.join(root, 'guest'),
    env: { ...process.env, CARGO_TARGET_DIR: path.join(root, 'guest/target') },
    hint: hintFor,
  })
  linkBinaries()
  writeStamp(STAMP, wanted)
}

/** @param {string} wanted */
function isBuilt(wanted) {
  return readStamp(STAMP) === wanted && BINARIES.every((name) => existsSync(binary(name)))
}

function guestSources() {
  return filesBelow(
    'guest',
    (folder) => folder !== 'target' && folder !== 'npm' && folder !== 'tests',
    (file) => /\.rs$|^Cargo\.(toml|lock)$|^config\.toml$|\.bpf$|\.json$/.test(file),
  )
}

/** Cargo builds below the name of the host's target; everybody looks in target/release. */
function linkBinaries() {
  const target = path.join(root, 'guest/target')
  const cpu = process.arch === 'arm64' ? 'aarch64' : 'x86_64'
  const host = readdirSync(target).find((name) => name.startsWith(`${cpu}-`))
  if (!host)
    throw new SetupError(`${TITLE}: no ${cpu} target below ${target}`, 'report it with the output of rustc -vV')
  mkdirSync(path.join(target, 'release'), { recursive: true })
  for (const name of BINARIES) {
    rmSync(binary(name), { force: true })
    symlinkSync(path.join('..', host, 'release', name), binary(name))
  }
}

/** @param {string} name */
function binary(name) {
  return path.join(root, 'guest/target/release', name)
}

/**
 * @param {string} name
 * @param {string} hint
 */
function requireTool(name, hint) {
  const { error, status, stderr } = spawnSync(name, ['--version'], { encoding: 'utf8' })
  if (!error && status === 0) return
  const reason = error ? `${name} is not on PATH` : `${name} does not run: ${String(stderr).trim().split('\n')[0]}`
  throw new SetupError(`${TITLE}: ${reason}`, hint)
}

/** @param {string} output */
function hintFor(output) {
  if (/cannot find -lc\b|crt1\.o|libc\.a/.test(output)) return 'install the C library files (Debian: libc6-dev)'
  if (/No such file or directory.*Cargo\.lock|--locked/.test(output)) {
    return 'Cargo.lock does not match: run cargo build in guest/ and commit it'
  }
  if (/failed to download|Could not resolve|network/i.test(output)) {
    return 'the first build fetches crates: check the network connection'
  }
  if (/Permission denied/.test(output)) return 'guest/target belongs to another user: build as the owner, or clone anew'
  if (/requires rustc|host-tuple|edition/.test(output)) return 'update Rust: rustup update'
  return 'see the lines above; `cargo build --release --locked` in guest/ does the same step by hand'
}
