// SPDX-License-Identifier: Apache-2.0
import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import { LANGUAGES, type Language } from './languages.ts'

export interface LocatedLanguage {
  readonly language: Language
  readonly program: string
}

/** The languages whose first program on PATH is not one of the system's own, which every sandbox has. */
export async function locateLanguages(directories: readonly string[]): Promise<LocatedLanguage[]> {
  const located = await Promise.all(
    LANGUAGES.map(async (language) => ({ language, program: await firstOnPath(language.programs, directories) })),
  )
  return located.filter((entry): entry is LocatedLanguage => entry.program !== undefined && !isOfSystem(entry.program))
}

const isOfSystem = (program: string): boolean => program.startsWith('/usr/bin/') || program.startsWith('/bin/')

async function firstOnPath(programs: readonly string[], directories: readonly string[]): Promise<string | undefined> {
  for (const directory of directories) {
    for (const program of programs) {
      const path = join(directory, program)
      const isProgram = await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
      if (isProgram) return path
    }
  }
  return undefined
}
