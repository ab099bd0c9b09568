// SPDX-License-Identifier: Apache-2.0
// npm run build: what is published, in place: dist/ of each package and the binaries of this platform.
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { root, runToEnd } from './run-to-end.ts'
import { guestFolder, typescriptFolders } from './workspaces.ts'

for (const folder of typescriptFolders) rmSync(path.join(root, folder, 'dist'), { recursive: true, force: true })
const compiler = path.join(root, 'node_modules/@typescript/native/bin/tsc')
const { exitCode } = await runToEnd(process.execPath, [compiler, '-b', 'tsconfig.build.json'], { show: true })
if (exitCode !== 0) process.exit(1)
const bundled = await runToEnd(process.execPath, [path.join(root, 'server/tools/bundle.ts')], { show: true })
if (bundled.exitCode !== 0) process.exit(1)

const binaries = path.join(root, guestFolder, 'bin')
mkdirSync(binaries, { recursive: true })
for (const name of ['isola-agent', 'isola-launcher']) {
  rmSync(path.join(binaries, name), { force: true })
  copyFileSync(path.join(root, 'guest/target/release', name), path.join(binaries, name))
}
console.log(`built ${typescriptFolders.length} packages and ${guestFolder}`)
