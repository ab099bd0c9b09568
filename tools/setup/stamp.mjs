// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { root } from './checkout.mjs'

/**
 * One hash over the names and contents of files: what a step was last done for.
 * @param {string[]} files relative to the checkout
 */
export function fingerprint(files) {
  const hash = createHash('sha256')
  hash.update(`${process.platform}-${process.arch}\n`)
  for (const file of [...files].sort()) {
    const content = readFileSync(path.join(root, file))
    hash.update(`${file}\0${content.length}\0`).update(content)
  }
  return hash.digest('hex')
}

/** @param {string} file relative to the checkout */
export function readStamp(file) {
  try {
    return readFileSync(path.join(root, file), 'utf8').trim()
  } catch {
    return null
  }
}

/**
 * @param {string} file relative to the checkout
 * @param {string} value
 */
export function writeStamp(file, value) {
  writeFileSync(path.join(root, file), `${value}\n`)
}

/**
 * Every file below a folder, relative to the checkout.
 * @param {string} folder
 * @param {(name: string) => boolean} enter whether to go into a folder of this name
 * @param {(name: string) => boolean} take whether to list a file of this name
 * @returns {string[]}
 */
export function filesBelow(folder, enter, take) {
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const relative = path.join(folder, entry.name)
    if (entry.isDirectory()) return enter(entry.name) ? filesBelow(relative, enter, take) : []
    return entry.isFile() && take(entry.name) ? [relative] : []
  })
}
