// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process'
import { access, constants, readdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { aptFacts, mirrorFiles } from './registry-apt.ts'
import { type AptSource, parseList, parseSources } from './registry-apt-sources.ts'
import { cargoFacts } from './registry-cargo.ts'
import { mergeFacts, type RegistryFacts } from './registry-facts.ts'
import { goFacts } from './registry-go.ts'
import { npmFacts } from './registry-npm.ts'
import { pipFacts } from './registry-pip.ts'

const run = promisify(execFile)
/** One of the questions goes over the network. */
const ANSWER_TIMEOUT_MS = 10_000
const MAX_ANSWER_BYTES = 1_048_576
/** The names that apt itself reads in a directory of sources. */
const LIST_NAME = /^[\w.-]+\.list$/
const SOURCES_NAME = /^[\w.-]+\.sources$/
/** What is nobody's project, and belongs to root: settings of a directory do not count. */
const WORKING_DIRECTORY = '/'

/** An index tells of files on other hosts: pip itself is asked where it would fetch a package from, and fetches none. */
const DRY_RUN = [
  ...['install', '--dry-run', '--report', '-', '--quiet', '--no-deps', '--ignore-installed'],
  ...['--no-input', '--disable-pip-version-check', 'pip'],
]

export interface RegistryQuery {
  readonly env?: NodeJS.ProcessEnv
  readonly aptDirectory?: string
}

type Ask = (program: string, ...args: string[]) => Promise<string | undefined>

/**
 * Where the package managers of this host fetch from, asked of themselves, so that this source names no host.
 * One that is not there, or does not answer, has no facts.
 *
 * Safety: runs programs that the operator's own PATH names, without a shell, with the operator's own rights and
 * before any sandbox needs it; nothing inside has a say in it. Answers may hold tokens: each reader takes out
 * named settings only, and URLs lose their credentials.
 */
export async function findRegistries(options: RegistryQuery = {}): Promise<RegistryFacts> {
  const { env = process.env, aptDirectory = '/etc/apt' } = options
  const ask = asker(env)
  return mergeFacts(
    (await Promise.all([npm(ask), pip(ask), go(ask), apt(ask, aptDirectory), cargo(env)])).filter(
      (facts) => facts !== undefined,
    ),
  )
}

async function npm(ask: Ask): Promise<RegistryFacts | undefined> {
  const answer = await ask('npm', 'config', 'ls', '--json')
  return answer === undefined ? undefined : npmFacts(answer)
}

async function pip(ask: Ask): Promise<RegistryFacts | undefined> {
  for (const program of ['pip3', 'pip']) {
    const [settings, help, report] = await Promise.all([
      ask(program, 'config', 'list'),
      ask(program, 'download', '--help'),
      ask(program, ...DRY_RUN),
    ])
    if (settings !== undefined && help !== undefined) return pipFacts(settings, help, report)
  }
  return undefined
}

async function go(ask: Ask): Promise<RegistryFacts | undefined> {
  const answer = await ask('go', 'env', 'GOPROXY', 'GOSUMDB', 'GONOSUMDB')
  return answer === undefined ? undefined : goFacts(answer)
}

async function apt(ask: Ask, directory: string): Promise<RegistryFacts | undefined> {
  const config = await ask('apt-config', 'dump')
  const sources = await aptSources(directory)
  if (config === undefined && sources.length === 0) return undefined
  const lists = mirrorFiles(sources).map(async (path): Promise<[string, string]> => [path, await textOf(path)])
  return aptFacts(sources, config ?? '', new Map(await Promise.all(lists)))
}

async function aptSources(directory: string): Promise<AptSource[]> {
  const parts = join(directory, 'sources.list.d')
  const names = (await readdir(parts).catch(() => [])).sort((a, b) => (a < b ? -1 : 1))
  const sources = names.map(async (name) => {
    if (LIST_NAME.test(name)) return parseList(await textOf(join(parts, name)))
    return SOURCES_NAME.test(name) ? parseSources(await textOf(join(parts, name))) : []
  })
  return [...parseList(await textOf(join(directory, 'sources.list'))), ...(await Promise.all(sources)).flat()]
}

/** Not asked: what is on PATH may be a shim that downloads a toolchain first. */
async function cargo(env: NodeJS.ProcessEnv): Promise<RegistryFacts | undefined> {
  const directories = (env['PATH'] ?? '').split(delimiter).filter((entry) => entry.startsWith('/'))
  const found = await Promise.allSettled(directories.map((entry) => access(join(entry, 'cargo'), constants.X_OK)))
  if (!found.some(({ status }) => status === 'fulfilled')) return undefined
  const home = env['CARGO_HOME'] ?? join(env['HOME'] ?? homedir(), '.cargo')
  const settings = (await textOf(join(home, 'config.toml'))) || (await textOf(join(home, 'config')))
  return cargoFacts(settings, env)
}

function asker(env: NodeJS.ProcessEnv): Ask {
  const quiet = { LC_ALL: 'C.UTF-8', COLUMNS: '10000', NO_COLOR: '1', GOTOOLCHAIN: 'local', GO111MODULE: 'on' }
  return async (program, ...args) => {
    const asked = run(program, args, {
      env: { ...env, ...quiet },
      cwd: WORKING_DIRECTORY,
      timeout: ANSWER_TIMEOUT_MS,
      killSignal: 'SIGKILL',
      maxBuffer: MAX_ANSWER_BYTES,
    })
    asked.child.stdin?.end()
    const answer = await asked.catch(() => undefined)
    return answer?.stdout
  }
}

const textOf = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '')
