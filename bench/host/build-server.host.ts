// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { root, runToEnd } from '../../tools/run-to-end.ts'
import { guestFolder, typescriptFolders } from '../../tools/workspaces.ts'

const PROGRAM = path.join(root, 'server/dist/main.js')
const BUILT = [
  PROGRAM,
  path.join(root, guestFolder, 'bin/isola-agent'),
  path.join(root, guestFolder, 'bin/isola-launcher'),
]

/** The compiled server, built anew when a source is younger than it. @throws what the build says */
export async function buildServer(): Promise<string> {
  if (BUILT.every((file) => existsSync(file)) && newestSourceMs() < Math.min(...BUILT.map(changedMs))) return PROGRAM
  const build = path.join(root, 'tools/build.ts')
  const { exitCode, output } = await runToEnd(process.execPath, ['--conditions=@isola/source', build], {})
  if (exitCode !== 0) throw new Error(`npm run build ended with ${exitCode}: ${output.trim()}`)
  return PROGRAM
}

function newestSourceMs(): number {
  const folders = typescriptFolders.map((folder) => path.join(root, folder, 'src'))
  const sources = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => path.join(folder, name)),
  )
  const binaries = ['isola-agent', 'isola-launcher'].map((name) => path.join(root, 'guest/target/release', name))
  return Math.max(...[...sources, ...binaries].filter((file) => existsSync(file)).map(changedMs))
}

const changedMs = (file: string): number => statSync(file).mtimeMs
