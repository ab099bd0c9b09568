// SPDX-License-Identifier: Apache-2.0

export interface Language {
  /** Programs that prove the language is there, the preferred first. */
  readonly programs: readonly string[]
  /** Makes the program print the directories it needs, one a line: shims of version managers answer with the real ones. */
  readonly askPrefixes: readonly string[]
  /** How to get from an answer to its prefix. */
  readonly prefixOf: 'answer' | 'two-above'
}

/** Languages whose interpreter may live outside /usr (pyenv, nvm, asdf, mise, volta, rustup, …). */
export const LANGUAGES: readonly Language[] = [
  {
    programs: ['python3', 'python'],
    askPrefixes: ['-c', 'import sys; print(sys.prefix); print(sys.base_prefix)'],
    prefixOf: 'answer',
  },
  { programs: ['node'], askPrefixes: ['-p', 'process.execPath'], prefixOf: 'two-above' },
  { programs: ['ruby'], askPrefixes: ['-rrbconfig', '-e', 'puts RbConfig::CONFIG["prefix"]'], prefixOf: 'answer' },
  { programs: ['go'], askPrefixes: ['env', 'GOROOT'], prefixOf: 'answer' },
  { programs: ['rustc'], askPrefixes: ['--print', 'sysroot'], prefixOf: 'answer' },
  { programs: ['deno'], askPrefixes: ['eval', 'console.log(Deno.execPath())'], prefixOf: 'two-above' },
  { programs: ['bun'], askPrefixes: ['-e', 'console.log(process.execPath)'], prefixOf: 'two-above' },
]
