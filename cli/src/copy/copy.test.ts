// SPDX-License-Identifier: Apache-2.0
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, type FileEntry, Sandbox } from '@isola/sdk'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fakeEntry, fakeFile, type FakeSandbox } from '../../../sdk/typescript/test/fake-sandbox.ts'
import { FakeServer } from '../../../sdk/typescript/test/fake-server.ts'
import { runCliProcess } from '../../test/spawn-cli.ts'
import { type CopyOptions, download } from './download.ts'
import { CopyProgress } from './progress.ts'
import { upload } from './upload.ts'

let server: FakeServer
let inside: FakeSandbox['files']
let options: CopyOptions
let folder: string
beforeEach(async () => {
  server = await FakeServer.listen()
  const sandbox = await Sandbox.create({ client: new Client({ url: server.url }), name: 'lab' })
  inside = (server.sandboxes.get(sandbox.id) as FakeSandbox).files
  options = { sandbox, user: undefined, signal: new AbortController().signal }
  folder = mkdtempSync(join(tmpdir(), 'isola-copy-'))
})
afterEach(async () => {
  rmSync(folder, { recursive: true, force: true })
  await server.close()
})

const put = (path: string, content = path, mode = 0o644) => inside.set(path, fakeFile(path, content, mode))
const list = (path: string, fields: Partial<FileEntry>) =>
  inside.set(path, { content: new Uint8Array(), entry: fakeEntry(path, fields) })
const out = async (source: string, target: string) => {
  const progress = new CopyProgress()
  await download(source, target, options, progress)
  return progress
}

describe('out of a sandbox', () => {
  beforeEach(() => {
    list('/work', { type: 'directory', mode: 0o750 })
  })

  test('a directory comes with its files, modes and inner links', async () => {
    list('/work/sub', { type: 'directory', mode: 0o700 })
    put('/work/sub/run.sh', '#!/bin/sh', 0o4755)
    list('/work/link', { type: 'symlink', target: 'sub/run.sh' })
    await out('/work', join(folder, 'copy'))
    expect(readFileSync(join(folder, 'copy/sub/run.sh'), 'utf8')).toBe('#!/bin/sh')
    expect(statSync(join(folder, 'copy/sub/run.sh')).mode & 0o7777).toBe(0o755)
    expect(statSync(join(folder, 'copy/sub')).mode & 0o777).toBe(0o700)
    expect(readlinkSync(join(folder, 'copy/link'))).toBe('sub/run.sh')
  })

  test('into a directory that is there, under its own name', async () => {
    put('/work/a', 'x')
    await out('/work/a', folder)
    expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('x')
    await out('/work', folder)
    expect(readFileSync(join(folder, 'work/a'), 'utf8')).toBe('x')
  })

  test('two links together lead nowhere outside either', async () => {
    list('/work/a', { type: 'directory' })
    list('/work/a/b', { type: 'directory' })
    list('/work/a/b/up', { type: 'symlink', target: '../..' })
    list('/work/escape', { type: 'symlink', target: 'a/b/up/../secret' })
    writeFileSync(join(folder, 'secret'), 'key')
    const { skipped } = await out('/work', join(folder, 'copy'))
    expect(readlinkSync(join(folder, 'copy/a/b/up'))).toBe('../..')
    expect(existsSync(join(folder, 'copy/escape'))).toBe(false)
    expect(skipped).toEqual(['/work/escape: a link to a/b/up/../secret, which is not copied with it'])
  })

  test('a listed file that is not there is left out and told', async () => {
    put('/work/a', 'x')
    inside.set('/work/listed', { content: Buffer.from('x'), entry: fakeEntry('/work/gone', { type: 'file' }) })
    const { skipped } = await out('/work', join(folder, 'copy'))
    expect(readdirSync(join(folder, 'copy'))).toEqual(['a'])
    expect(skipped).toEqual(['/work/gone: it is gone, or its name is not text'])
  })

  test.each(['/absolute', '../up', 'sub/../../up', 'sub/../up'])(
    'a link to %s is left out and told',
    async (target) => {
      list('/work/link', { type: 'symlink', target })
      const { skipped } = await out('/work', join(folder, 'copy'))
      expect(existsSync(join(folder, 'copy/link'))).toBe(false)
      expect(skipped).toEqual([`/work/link: a link to ${target}, which is not copied with it`])
    },
  )

  test.each(['/work/../escaped', '/etc/escaped', '/work//escaped', '/work/./escaped', '/work', '/workx/escaped'])(
    'a listed name %s cannot write outside of the target',
    async (path) => {
      inside.set('/work/hostile', { content: Buffer.from('x'), entry: fakeEntry(path, { type: 'file' }) })
      inside.set(path, { content: Buffer.from('x'), entry: fakeEntry(path, { type: 'file' }) })
      list('/work', { type: 'directory' })
      await expect(out('/work', join(folder, 'copy'))).rejects.toThrow('which is not below it')
      expect(existsSync(join(folder, 'escaped'))).toBe(false)
    },
  )

  test('a file listed below a link is not written through it', async () => {
    list('/work/link', { type: 'symlink', target: 'inner' })
    put('/work/link/escaped')
    await expect(out('/work', join(folder, 'out'))).rejects.toThrow()
    expect(existsSync(join(folder, 'out/inner/escaped'))).toBe(false)
  })

  test('a directory is not written through a link that lies at the target', async () => {
    mkdirSync(join(folder, 'elsewhere'))
    symlinkSync(join(folder, 'elsewhere'), join(folder, 'work'))
    put('/work/a')
    await expect(out('/work', folder)).rejects.toThrow('is in the way')
    expect(readdirSync(join(folder, 'elsewhere'))).toEqual([])
  })

  test('a link that lies at the target is replaced, never followed', async () => {
    writeFileSync(join(folder, 'victim'), 'precious')
    symlinkSync(join(folder, 'victim'), join(folder, 'copy'))
    put('/work/a', 'new')
    await out('/work/a', join(folder, 'copy'))
    expect(readFileSync(join(folder, 'victim'), 'utf8')).toBe('precious')
    expect(lstatSync(join(folder, 'copy')).isSymbolicLink()).toBe(false)
  })

  test('a copy that breaks off leaves no half file', async () => {
    put('/work/a')
    const aborted = { ...options, signal: AbortSignal.abort(new Error('stop')) }
    await expect(download('/work/a', join(folder, 'a'), aborted, new CopyProgress())).rejects.toThrow('stop')
    expect(readdirSync(folder)).toEqual([])
  })
})

describe('into a sandbox', () => {
  test('a directory goes with its files and modes; links go as links', async () => {
    mkdirSync(join(folder, 'project/sub'), { recursive: true })
    writeFileSync(join(folder, 'project/sub/a'), 'x')
    chmodSync(join(folder, 'project/sub/a'), 0o750)
    writeFileSync(join(folder, 'secret'), 'key')
    symlinkSync('../../secret', join(folder, 'project/sub/link'))
    const links: string[] = []
    server.programs['ln'] = async ({ argv }) => {
      links.push(argv.slice(1).join(' '))
      return { exitCode: 0 }
    }
    const progress = new CopyProgress()
    await upload(join(folder, 'project'), '/srv/copy', options, progress)
    expect(inside.get('/srv/copy/sub/a')?.entry).toMatchObject({ mode: 0o750, size: 1 })
    expect(links).toEqual(['-sfn -- ../../secret /srv/copy/sub/link'])
    expect([...inside.values()].some(({ content }) => String(content) === 'key')).toBe(false)
    expect(progress).toMatchObject({ files: 2, bytes: 1 })
  })

  test('directories that may not be written to are closed when all is in them', async () => {
    const seen: string[] = []
    server.programs['chmod'] = async ({ argv }) => {
      seen.push(argv.slice(1).join(' '), [...inside.keys()].join(' '))
      return { exitCode: 0 }
    }
    for (const path of ['tree', 'tree/a', 'tree/a/b', 'tree/c']) mkdirSync(join(folder, path))
    writeFileSync(join(folder, 'tree/a/b/file'), 'x')
    for (const path of ['tree/a/b', 'tree/a', 'tree']) chmodSync(join(folder, path), 0o555)
    try {
      await upload(join(folder, 'tree'), '/srv/tree', options, new CopyProgress())
    } finally {
      for (const path of ['tree', 'tree/a', 'tree/a/b']) chmodSync(join(folder, path), 0o755)
    }
    expect(inside.get('/srv/tree/a')?.entry.mode).toBe(0o755)
    expect(seen[0]).toBe('555 -- /srv/tree/a/b /srv/tree/a /srv/tree')
    expect(seen[1]).toContain('/srv/tree/a/b/file')
    expect(seen).toHaveLength(2)
  })

  test('into a directory that is there, under its own name', async () => {
    list('/srv', { type: 'directory' })
    writeFileSync(join(folder, 'a'), 'x')
    await upload(join(folder, 'a'), '/srv', options, new CopyProgress())
    expect(inside.has('/srv/a')).toBe(true)
  })
})

test('cp carries bytes through standard input and output', async () => {
  const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => (index * 7) & 0xff)
  const { url } = server
  expect(await runCliProcess(['cp', '-', 'lab:/a'], { url, stdin: bytes })).toMatchObject({ code: 0, stderr: '' })
  const { stdout } = await runCliProcess(['cp', 'lab:/a', '-'], { url })
  expect(Buffer.compare(stdout, bytes)).toBe(0)
  expect(await runCliProcess(['cp', 'lab:/none', folder], { url })).toMatchObject({
    code: 1,
    stderr: 'isola: open /none: not found\nhint: check the path; relative paths start at the working directory\n',
  })
  expect(await runCliProcess(['cp', join(folder, 'none'), 'lab:/x'], { url })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no such file'),
  })
})
