// SPDX-License-Identifier: Apache-2.0
import type { Requirement } from './requirement.ts'

const source = 'protocol/src/agent/operations.ts'

export const files = {
  'file.round-trip': { sentence: 'what is written is read back, to the byte', source },
  'file.big': { sentence: 'a file of a hundred megabytes survives the way in and out', source },
  'file.range': { sentence: 'a part of a file is read from an offset', source },
  'file.mode': { sentence: 'a file gets the mode that was asked for, and the owner that wrote it', source },
  'file.owner-root': { sentence: 'files of root are written and read as root', source, needs: 'root-inside' },
  'file.parents': { sentence: 'directories above a file are made when asked for', source },
  'file.append': { sentence: 'content is appended', source },
  'file.atomic': { sentence: 'a file appears whole or not at all', source },
  'file.aborted-upload': { sentence: 'an upload that breaks off leaves nothing', source },
  'file.stat': { sentence: 'a file, a directory and a symlink are told apart', source },
  'file.list': { sentence: 'a directory is listed, as deep as asked for', source },
  'file.list-limit': { sentence: 'a listing stops at its limit and says so', source },
  'file.list-many': { sentence: 'twenty thousand entries are listed', source },
  'file.mkdir': { sentence: 'directories are made, with parents and mode', source },
  'file.remove': { sentence: 'files and trees are removed, full directories only when asked for', source },
  'file.move': { sentence: 'files are moved, over others only when asked for', source },
  'file.symlink': { sentence: 'removing a symlink leaves what it leads to', source },
  'file.names': { sentence: 'names with spaces, quotes, line ends and bytes beyond ASCII work', source },
  'file.errors': { sentence: 'each failure has its own code', source },
  'file.permission': { sentence: 'the API may do what the user may do, and no more', source },
  'file.relative': { sentence: 'relative paths start at the working directory', source },
  'file.while-running': { sentence: 'files are reached while a process floods its output', source },
} as const satisfies Record<string, Requirement>
