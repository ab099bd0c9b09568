// SPDX-License-Identifier: Apache-2.0
// A day in the life of a coding agent, in a sandbox: install, test, repair, bring the change home.
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { IsolaError, Sandbox } from '@isola/sdk'
import { Bait } from './bait.ts'
import { CodingAgent } from './coding-agent.ts'
import { lineDiff } from './line-diff.ts'
import { medianMs, runBare } from './measure.ts'
import { Stage } from './stage.ts'

const REPOSITORY = join(import.meta.dirname, 'repo')
const INSIDE = '/home/user/repo'
const REPAIRED = 'src/invoice.js'
const TEST = ['node', '--test'] as const

const stage = new Stage()
try {
  await demo()
} catch (error) {
  if (!IsolaError.is(error)) throw error
  process.stderr.write(`demo: ${error.message}\nhint: ${error.hint}\n`)
  process.exitCode = 1
}

async function demo(): Promise<void> {
  stage.title(
    'Isola: an agent at work on code that nobody has read',
    'a small repository, one failing test, one install script with other plans',
  )
  await using bait = await Bait.lay()
  const copy = await mkdtemp(join(tmpdir(), 'isola-demo-copy-'))
  try {
    await cp(REPOSITORY, copy, { recursive: true })
    await using sandbox = await openSandbox()
    await install(sandbox, bait)
    await repair(sandbox)
    await bringHome(sandbox, copy)
    await compare(sandbox, copy)
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
  conclude()
}

async function openSandbox(): Promise<Sandbox> {
  stage.section('A computer of its own')
  const start = performance.now()
  const sandbox = await Sandbox.create()
  stage.note(
    `${sandbox.id}, ready after ${milliseconds(performance.now() - start)} (with the server's start, if it was not running)`,
  )
  stage.note(`isolation: ${sandbox.info.isolation}`)
  const files = await upload(sandbox)
  stage.note(`${files} files of the repository copied to ${INSIDE}`)
  return sandbox
}

async function upload(sandbox: Sandbox): Promise<number> {
  const files = (await readdir(REPOSITORY, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
  for (const { parentPath, name } of files) {
    const path = join(parentPath, name)
    await sandbox.files.write(INSIDE + path.slice(REPOSITORY.length), await readFile(path), { parents: true })
  }
  return files.length
}

async function install(sandbox: Sandbox, bait: Bait): Promise<void> {
  stage.section('Its install script runs, and tries what such scripts try')
  const show = stage.live()
  const attempts: string[][] = []
  const result = await sandbox.run(['node', 'scripts/install.js'], {
    cwd: INSIDE,
    env: bait.env,
    timeoutMs: 60_000,
    onStdout: (text) => show.write(text.replaceAll(/^attempt\t(.*)\t(.*)\t(.*)$/gm, formatAttempt)),
    onStderr: show.write,
  })
  show.end()
  for (const line of result.stdout.split('\n')) if (line.startsWith('attempt\t')) attempts.push(line.split('\t'))
  const succeeded = attempts.filter(([, , , outcome]) => outcome === 'GOT IT')
  stage.expect(result.exitCode === 0 && attempts.length === 12, `${attempts.length} attempts were made`)
  stage.expect(succeeded.length === 0, `${succeeded.length} of them came through`)
  stage.expect(bait.calls === 0, `the listener of this machine was called ${bait.calls} times`)
  stage.expect(!(result.stdout + result.stderr).includes(bait.secret), 'the secret was not seen inside')
}

function formatAttempt(_line: string, what: string, target: string, outcome: string): string {
  return `${what.padEnd(31)} ${target.padEnd(36)} ${stage.paint(outcome === 'GOT IT' ? 'red' : 'yellow', outcome)}`
}

async function repair(sandbox: Sandbox): Promise<void> {
  stage.section('The agent repairs it: test, edit, test again')
  const agent = new CodingAgent(sandbox, `${INSIDE}/${REPAIRED}`)
  for (let round = 1; ; round++) {
    const show = stage.live()
    const verdicts = /^[✔✖] .*$/gm
    const result = await sandbox.run([...TEST, '--test-reporter=spec'], {
      cwd: INSIDE,
      timeoutMs: 60_000,
      onStdout: (text) => {
        for (const [line] of text.split('✖ failing tests')[0]?.matchAll(verdicts) ?? []) show.write(`${line}\n`)
      },
    })
    show.end()
    if (result.exitCode === 0) {
      stage.expect(round === 3, `all tests pass in round ${round}`)
      return
    }
    const thought = await agent.next()
    if (thought === undefined) return stage.expect(false, 'the agent has no idea left')
    stage.note(stage.paint('magenta', `agent: ${thought}`))
  }
}

async function bringHome(sandbox: Sandbox, copy: string): Promise<void> {
  stage.section('The change comes home, and nothing else')
  const home = join(copy, REPAIRED)
  const before = await readFile(home, 'utf8')
  const after = await sandbox.files.readText(`${INSIDE}/${REPAIRED}`)
  await writeFile(home, after)
  for (const { kind, text } of lineDiff(before, after)) {
    if (kind === 'added') stage.note(stage.paint('green', `+ ${text}`))
    if (kind === 'removed') stage.note(stage.paint('red', `- ${text}`))
  }
  stage.expect(before !== after, `${REPAIRED} was taken over`)
  stage.expect(
    await sandbox.files.exists(`${INSIDE}/node_modules/.hook.js`),
    'node_modules/.hook.js, which the install script left, stays inside',
  )
}

async function compare(sandbox: Sandbox, copy: string): Promise<void> {
  stage.section('What it costs')
  // The same program on both sides: it is found at the same path.
  const node = (await sandbox.run(['node', '-p', 'process.execPath'], { check: true })).stdout.trim()
  const env = await environmentOf(sandbox)
  const bareMs = await medianMs(5, async () => {
    if ((await runBare(node, TEST.slice(1), { cwd: copy, env })) !== 0)
      stage.expect(false, 'the repaired tests pass on this machine too')
  })
  const insideMs = await medianMs(5, async () => void (await sandbox.run(TEST, { cwd: INSIDE, check: true })))
  const commandMs = await medianMs(20, async () => void (await sandbox.run(['true'], { check: true })))
  const wholeMs = await medianMs(5, async () => {
    await using fresh = await Sandbox.create()
    await fresh.run(['true'], { check: true })
  })
  stage.note(`the repaired tests, bare           ${milliseconds(bareMs)}`)
  stage.note(`the repaired tests, in the sandbox ${milliseconds(insideMs)}`)
  stage.note(`one command in the sandbox         ${milliseconds(commandMs)}`)
  stage.note(`new sandbox, command, destroyed    ${milliseconds(wholeMs)}`)
  stage.note(stage.paint('dim', 'medians; only the harmless tests were run bare, the install script never was'))
}

/** The same surroundings on both sides. */
async function environmentOf(sandbox: Sandbox): Promise<Record<string, string>> {
  const { stdout } = await sandbox.run(['env', '--null'], { check: true })
  const entries = stdout.split('\0').filter((entry) => entry !== '')
  return Object.fromEntries(
    entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  )
}

function conclude(): void {
  const { surprises } = stage
  stage.title(
    surprises.length === 0
      ? 'Done: the work was kept, the rest was refused.'
      : `Not as expected: ${surprises.join('; ')}`,
    "the sandbox is gone; try: npx --no-install isola run -- python3 -c 'print(6*7)'\n",
  )
  if (surprises.length > 0) process.exitCode = 1
}

function milliseconds(value: number): string {
  return `${value.toFixed(value < 100 ? 1 : 0).padStart(8)} ms`
}
