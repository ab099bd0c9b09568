// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { sourceFiles } from './source-tree.ts'
import { problemsEnd, type Step } from './step.ts'

const KINDS = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'] as const
const EXACT = /^(npm:.+@)?\d+\.\d+\.\d+$|^file:/
const DOCUMENT = 'docs/dependencies.md'
const CRATE = /^([\w-]+)\s*(?:=|\.workspace)/

type Manifest = Partial<Record<(typeof KINDS)[number], Record<string, string>>>

interface Lockfile {
  readonly packages: Record<
    string,
    { integrity?: string; link?: boolean; resolved?: string; os?: string[]; libc?: string[] }
  >
}

/** Dependencies: exact, one version each, each with its reason written down, each locked by its hash. */
export const manifests: Step = {
  name: 'dependencies',
  about: 'exact versions, one of each, locked by hash, each with its reason',
  run: async (root) => {
    const read = (file: string): string => readFileSync(path.join(root, file), 'utf8')
    const npm = sourceFiles(root, ['package.json']).flatMap((file) => {
      const manifest: Manifest = JSON.parse(read(file))
      return npmDependencies(file, manifest)
    })
    const crates = sourceFiles(root, ['Cargo.toml']).flatMap((file) => crateNames(read(file)))
    const documented = read(DOCUMENT)
    const lock: Lockfile = JSON.parse(read('package-lock.json'))
    return problemsEnd([
      ...npm.filter(({ version }) => !EXACT.test(version)).map((found) => `${say(found)}: not an exact version`),
      ...severalVersions(npm),
      ...[...npm.map(({ name }) => name), ...crates]
        .filter((name) => !name.startsWith('@isola/') && !name.startsWith('isola-'))
        .filter((name, place, all) => all.indexOf(name) === place && !documented.includes(`\`${name}\``))
        .map((name) => `${name}: no line in ${DOCUMENT} (hint: why, size, what would replace it)`),
      ...unlocked(lock),
    ])
  },
}

interface Dependency {
  readonly file: string
  readonly name: string
  readonly version: string
}

function npmDependencies(file: string, manifest: Manifest): Dependency[] {
  return KINDS.flatMap((kind) =>
    Object.entries(manifest[kind] ?? {}).map(([name, version]) => ({ file, name, version })),
  )
}

function crateNames(toml: string): string[] {
  const sections = toml.split(/^\[/m).filter((section) => /^[^\]]*dependencies\]/.test(section))
  return sections.flatMap((section) => section.split('\n').slice(1)).flatMap((line) => CRATE.exec(line)?.[1] ?? [])
}

function severalVersions(dependencies: readonly Dependency[]): string[] {
  return [...Map.groupBy(dependencies, ({ name }) => name).values()]
    .filter((uses) => new Set(uses.map(({ version }) => version)).size > 1)
    .map((uses) => `${uses.map(say).join(' but ')}: one version for all`)
}

/** Packages of foreign platforms are never installed here, so their hash may be missing. */
function unlocked(lock: Lockfile): string[] {
  return Object.entries(lock.packages)
    .filter(([place, entry]) => place.includes('node_modules/') && !entry.link && !entry.os)
    .filter(([, entry]) => entry.integrity === undefined)
    .map(([place]) => `package-lock.json: ${place} has no integrity (hint: npm run lockfile)`)
}

function say({ file, name, version }: Dependency): string {
  return `${file} ${name}@${version}`
}
