// SPDX-License-Identifier: Apache-2.0
// npm run pack: a tarball of each package in dist/tarballs, as it would be published.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { publishedManifest } from './pack/published-manifest.ts'
import { root, runToEnd } from './run-to-end.ts'
import { guestFolder, typescriptFolders, type Workspace, workspace } from './workspaces.ts'
import './build.ts'

const tarballs = path.join(root, 'dist/tarballs')
const stage = mkdtempSync(path.join(tmpdir(), 'isola-pack-'))
try {
  rmSync(tarballs, { recursive: true, force: true })
  mkdirSync(tarballs, { recursive: true })
  const folders = [...typescriptFolders, guestFolder].map((folder) => stagePackage(workspace(folder)))
  await npmPack(folders)
} finally {
  rmSync(stage, { recursive: true, force: true })
}
for (const name of readdirSync(tarballs)) {
  console.log(
    `${String(Math.ceil(statSync(path.join(tarballs, name)).size / 1024)).padStart(6)} KiB  dist/tarballs/${name}`,
  )
}
console.log(`\nnext, in a folder of your own: npm install ${tarballs}/*.tgz`)

/** Copies what a package publishes to a folder of its own, where its manifest can be written for the outside. */
function stagePackage({ folder, manifest }: Workspace): string {
  const place = path.join(stage, manifest.name.replace('/', '-'))
  mkdirSync(place, { recursive: true })
  for (const part of [...manifest.files, 'README.md']) {
    cpSync(path.join(root, folder, part), path.join(place, part), { recursive: true })
  }
  rmSync(path.join(place, 'dist/.tsbuildinfo'), { force: true })
  cpSync(path.join(root, 'LICENSE'), path.join(place, 'LICENSE'))
  const isBuilt = (sibling: string): boolean => existsSync(path.join(root, folder, sibling, 'bin'))
  const published = publishedManifest(manifest, isBuilt)
  writeFileSync(path.join(place, 'package.json'), `${JSON.stringify(published, null, 2)}\n`)
  return place
}

async function npmPack(folders: readonly string[]): Promise<void> {
  const script = process.env['npm_execpath']
  const [program, first] = script && existsSync(script) ? [process.execPath, [script]] : ['npm', []]
  const args = [...first, 'pack', '--silent', '--ignore-scripts', `--pack-destination=${tarballs}`, ...folders]
  const { exitCode, output } = await runToEnd(program, args, { cwd: stage })
  if (exitCode !== 0) throw new Error(`npm pack ended with ${exitCode}: ${output}`)
}
