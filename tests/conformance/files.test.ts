// SPDX-License-Identifier: Apache-2.0
import { createHash, randomBytes } from 'node:crypto'
import type { FileEntry } from '@isola/sdk'
import { expect } from 'vitest'
import { codeOf } from '../support/failure-code.ts'
import type { Subject } from '../support/subject.ts'
import { onEachDriver } from '../support/world.ts'
import { eventually } from '../support/eventually.ts'
import { verifies } from './verifies.ts'

const MEGABYTE = 1024 * 1024
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const names = (entries: readonly FileEntry[]): string[] => entries.map(({ name }) => name).sort()

/** A directory of its own for each test, in the sandbox that they share. */
async function folder(sandbox: Subject, name: string): Promise<string> {
  await sandbox.read(`rm -rf ~/${name} && mkdir ~/${name}`)
  return `/home/user/${name}`
}

onEachDriver((world) => {
  verifies(world, 'file.round-trip', async () => {
    const { files } = await world.shared()
    for (const content of [Buffer.from(''), Buffer.from('ü\0\r\n'), randomBytes(3 * MEGABYTE + 17)]) {
      expect(await files.write('round-trip', content)).toEqual({ size: content.length })
      expect(Buffer.compare(Buffer.from(await files.read('round-trip')), content)).toBe(0)
    }
  })

  verifies(world, 'file.big', async () => {
    const sandbox = await world.shared()
    const chunk = randomBytes(MEGABYTE)
    const given = createHash('sha256')
    async function* content(): AsyncGenerator<Uint8Array> {
      for (let index = 0; index < 100; index += 1) {
        chunk.writeUInt32BE(index)
        given.update(chunk)
        yield Uint8Array.from(chunk)
      }
    }
    expect(await sandbox.files.write('big', content())).toEqual({ size: 100 * MEGABYTE })
    const taken = createHash('sha256')
    for await (const bytes of await sandbox.files.readStream('big')) taken.update(bytes)
    const digest = given.digest('hex')
    expect(taken.digest('hex')).toBe(digest)
    expect(await sandbox.read("sha256sum big | cut -d' ' -f1; rm big")).toBe(digest)
  })

  verifies(world, 'file.range', async () => {
    const { files } = await world.shared()
    await files.write('range', '0123456789')
    expect(await files.readText('range', { offset: 3, length: 4 })).toBe('3456')
    expect(await files.readText('range', { offset: 8 })).toBe('89')
    expect(await files.readText('range', { offset: 50 })).toBe('')
    expect(await files.readText('range', { length: 0 })).toBe('')
  })

  verifies(world, 'file.mode', async () => {
    const sandbox = await world.shared()
    const at = await folder(sandbox, 'mode')
    await sandbox.files.write(`${at}/default`, 'x')
    await sandbox.files.write(`${at}/chosen`, 'x', { mode: 0o640 })
    await sandbox.files.write(`${at}/program`, 'x', { mode: 0o755 })
    expect(await sandbox.read(`stat -c '%n %a %u:%g' *`, { cwd: at })).toBe(
      'chosen 640 1000:1000\ndefault 644 1000:1000\nprogram 755 1000:1000',
    )
    // Replacing the content keeps the mode that the file has.
    await sandbox.files.write(`${at}/program`, 'y')
    expect(await sandbox.files.stat(`${at}/program`)).toMatchObject({ mode: 0o755, size: 1 })
  })

  verifies(world, 'file.owner-root', async () => {
    const sandbox = await world.shared()
    await sandbox.files.write('/root/secret', 'x', { user: 'root', mode: 0o600 })
    expect(await sandbox.files.stat('/root/secret', { user: 'root' })).toMatchObject({ uid: 0, gid: 0, mode: 0o600 })
    expect(await sandbox.files.readText('/root/secret', { user: 'root' })).toBe('x')
    expect(await codeOf(sandbox.files.read('/root/secret'))).toBe('file.permission_denied')
    await sandbox.files.remove('/root/secret', { user: 'root' })
  })

  verifies(world, 'file.parents', async () => {
    const sandbox = await world.shared()
    const at = await folder(sandbox, 'parents')
    expect(await codeOf(sandbox.files.write(`${at}/a/b/c`, 'x'))).toBe('file.not_found')
    await sandbox.files.write(`${at}/a/b/c`, 'x', { parents: true })
    expect(await sandbox.read(`stat -c '%U %a' a a/b; cat a/b/c`, { cwd: at })).toBe('user 755\nuser 755\nx')
  })

  verifies(world, 'file.append', async () => {
    const { files } = await world.shared()
    await files.write('appended', 'one')
    await files.write('appended', ' two', { append: true })
    expect(await files.readText('appended')).toBe('one two')
  })

  verifies(world, 'file.atomic', async () => {
    const sandbox = await world.shared()
    const at = await folder(sandbox, 'atomic')
    await sandbox.files.write(`${at}/file`, 'a'.repeat(MEGABYTE))
    const watching = sandbox.run(
      [
        'python3',
        '-c',
        `
import os, sys
seen = set()
while not os.path.exists("stop"):
    with open("file", "rb") as file:
        content = file.read()
    seen.add((len(content), len(set(content))))
    open("looking", "w").close()
print(sorted(seen))
`,
      ],
      { cwd: at },
    )
    await eventually(
      () => sandbox.files.exists(`${at}/looking`),
      (isLooking) => isLooking,
    )
    for (let round = 0; round < 10; round += 1)
      await sandbox.files.write(`${at}/file`, (round % 2 === 0 ? 'b' : 'a').repeat(MEGABYTE))
    await sandbox.files.write(`${at}/stop`, '')
    expect((await watching).stdout).toBe(`[(${MEGABYTE}, 1)]\n`)
    expect(names(await sandbox.files.list(at))).toEqual(['file', 'looking', 'stop'])
  })

  verifies(world, 'file.aborted-upload', async () => {
    const sandbox = await world.shared()
    const at = await folder(sandbox, 'aborted')
    const abort = new AbortController()
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (let sent = 0; ; sent += 1) {
        if (sent === 20) abort.abort(new Error('enough'))
        yield new Uint8Array(MEGABYTE)
      }
    }
    await expect(sandbox.files.write(`${at}/file`, endless(), { signal: abort.signal })).rejects.toThrow()
    expect(
      await sandbox.read(`for i in $(seq 100); do [ -z "$(ls -A)" ] && break; sleep 0.05; done; ls -A | wc -l`, {
        cwd: at,
      }),
    ).toBe('0')
  })

  verifies(world, 'file.stat', async () => {
    const sandbox = await world.shared()
    const at = await folder(sandbox, 'stat')
    await sandbox.read(
      'echo hi > file; mkdir dir; ln -s file link; ln -s missing broken; mkfifo fifo; chmod 4711 file',
      { cwd: at },
    )
    expect(await sandbox.files.stat(`${at}/file`)).toMatchObject({
      name: 'file',
      path: `${at}/file`,
      type: 'file',
      size: 3,
      mode: 0o4711,
      uid: 1000,
      gid: 1000,
    })
    expect((await sandbox.files.stat(`${at}/file`)).mtimeMs).toBeGreaterThan(Date.now() - 3_600_000)
    expect(await sandbox.files.stat(`${at}/dir`)).toMatchObject({ type: 'directory' })
    expect(await sandbox.files.stat(`${at}/link`)).toMatchObject({ type: 'symlink', target: 'file' })
    expect(await sandbox.files.stat(`${at}/link`, { follow: true })).toMatchObject({ type: 'file', size: 3 })
    expect(await sandbox.files.stat(`${at}/broken`)).toMatchObject({ type: 'symlink', target: 'missing' })
    expect(await codeOf(sandbox.files.stat(`${at}/broken`, { follow: true }))).toBe('file.not_found')
    expect(await sandbox.files.stat(`${at}/fifo`)).toMatchObject({ type: 'other' })
  })

  verifies(world, 'file.list', async () => {
    const sandbox = await world.shared()
    const at = await folder(sandbox, 'list')
    await sandbox.read('mkdir -p a/b/c; touch a/b/c/deep x .hidden; ln -s .. up', { cwd: at })
    expect(names(await sandbox.files.list(at))).toEqual(['.hidden', 'a', 'up', 'x'])
    const all = await sandbox.files.list(at, { depth: 10 })
    // A symlink to a directory above is listed, not followed.
    expect(all.map(({ path }) => path.slice(at.length)).sort()).toEqual([
      '/.hidden',
      '/a',
      '/a/b',
      '/a/b/c',
      '/a/b/c/deep',
      '/up',
      '/x',
    ])
    expect(names(await sandbox.files.list(`${at}/a/b/c`))).toEqual(['deep'])
    expect(await codeOf(sandbox.files.list(`${at}/x`))).toBe('file.not_directory')
    expect(await codeOf(sandbox.files.list(`${at}/none`))).toBe('file.not_found')
  })

  verifies(world, 'file.list-limit', async () => {
    const sandbox = await world.shared()
    const at = await folder(sandbox, 'limit')
    await sandbox.read('seq 50 | xargs touch', { cwd: at })
    expect(await sandbox.files.list(at, { limit: 10 })).toHaveLength(10)
    expect(await sandbox.files.list(at, { limit: 50 })).toHaveLength(50)
  })

  verifies(world, 'file.list-many', async () => {
    const sandbox = await world.shared()
    const at = await folder(sandbox, 'many')
    await sandbox.read('seq 20000 | xargs touch', { cwd: at })
    expect(new Set(names(await sandbox.files.list(at))).size).toBe(20_000)
    await sandbox.files.remove(at, { recursive: true })
    expect(await sandbox.files.exists(at)).toBe(false)
  })

  verifies(world, 'file.mkdir', async () => {
    const sandbox = await world.shared()
    const at = await folder(sandbox, 'mkdir')
    await sandbox.files.makeDirectory(`${at}/one`, { mode: 0o700 })
    expect(await sandbox.files.stat(`${at}/one`)).toMatchObject({ type: 'directory', mode: 0o700, uid: 1000 })
    expect(await codeOf(sandbox.files.makeDirectory(`${at}/one`))).toBe('file.exists')
    expect(await codeOf(sandbox.files.makeDirectory(`${at}/x/y/z`))).toBe('file.not_found')
    await sandbox.files.makeDirectory(`${at}/x/y/z`, { parents: true })
    await sandbox.files.makeDirectory(`${at}/x/y/z`, { parents: true })
    expect(await sandbox.files.exists(`${at}/x/y/z`)).toBe(true)
  })

  verifies(world, 'file.remove', async () => {
    const sandbox = await world.shared()
    const at = await folder(sandbox, 'remove')
    await sandbox.read('mkdir -p full/inner empty; touch file full/inner/x; chmod 0 full/inner/x', { cwd: at })
    await sandbox.files.remove(`${at}/file`)
    await sandbox.files.remove(`${at}/empty`)
    expect(await codeOf(sandbox.files.remove(`${at}/full`))).toBe('file.not_empty')
    await sandbox.files.remove(`${at}/full`, { recursive: true })
    expect(await sandbox.files.list(at)).toEqual([])
    expect(await codeOf(sandbox.files.remove(`${at}/full`))).toBe('file.not_found')
  })

  verifies(world, 'file.move', async () => {
    const sandbox = await world.shared()
    const at = await folder(sandbox, 'move')
    await sandbox.read('echo a > a; echo b > b; mkdir dir', { cwd: at })
    await sandbox.files.move(`${at}/a`, `${at}/dir/moved`)
    expect(await sandbox.files.readText(`${at}/dir/moved`)).toBe('a\n')
    expect(await codeOf(sandbox.files.move(`${at}/b`, `${at}/dir/moved`))).toBe('file.exists')
    await sandbox.files.move(`${at}/b`, `${at}/dir/moved`, { overwrite: true })
    expect(await sandbox.files.readText(`${at}/dir/moved`)).toBe('b\n')
    await sandbox.files.move(`${at}/dir`, `${at}/renamed`)
    expect(await sandbox.files.exists(`${at}/renamed/moved`)).toBe(true)
    expect(await codeOf(sandbox.files.move(`${at}/none`, `${at}/x`))).toBe('file.not_found')
  })

  verifies(world, 'file.symlink', async () => {
    const sandbox = await world.shared()
    const at = await folder(sandbox, 'symlink')
    await sandbox.read('mkdir kept; touch kept/file; ln -s kept link; mkdir tree; ln -s ../kept tree/link', { cwd: at })
    expect(await sandbox.files.exists(`${at}/link/file`)).toBe(true)
    await sandbox.files.remove(`${at}/link`)
    await sandbox.files.remove(`${at}/tree`, { recursive: true })
    expect(await sandbox.read('ls kept', { cwd: at })).toBe('file')
  })

  verifies(world, 'file.names', async () => {
    const sandbox = await world.shared()
    const at = await folder(sandbox, 'names')
    const hostile = [
      ' leading',
      'trailing ',
      "quo'te",
      'dou"ble',
      'line\nend',
      'back\\slash',
      '$(id)',
      '-rf',
      'ünïcödé→🦊',
      '%2e%2e',
      '#?&=+',
      '...',
      'x'.repeat(255),
    ]
    for (const name of hostile) await sandbox.files.write(`${at}/${name}`, name)
    expect(names(await sandbox.files.list(at))).toEqual([...hostile].sort())
    for (const name of hostile) expect(await sandbox.files.readText(`${at}/${name}`)).toBe(name)
    // A name that is no text at all is still listed, and the directory can be removed.
    await sandbox.read(`touch "$(printf 'bytes\\377')"`, { cwd: at })
    expect(await sandbox.files.list(at)).toHaveLength(hostile.length + 1)
    await sandbox.files.remove(at, { recursive: true })
  })

  verifies(world, 'file.errors', async () => {
    const { files } = await world.shared()
    await files.write('plain', 'x')
    expect(await codeOf(files.read('none'))).toBe('file.not_found')
    expect(await codeOf(files.read('/home/user'))).toBe('file.is_directory')
    expect(await codeOf(files.write('/home/user', 'x'))).toBe('file.is_directory')
    expect(await codeOf(files.read('plain/below'))).toBe('file.not_directory')
    expect(await codeOf(files.write('plain/below', 'x'))).toBe('file.not_directory')
    expect(await codeOf(files.read('/dev/zero'))).toBe('file.not_regular')
    expect(await codeOf(files.write('x'.repeat(256), 'x'))).toBe('file.name_invalid')
  })

  verifies(world, 'file.permission', async () => {
    const sandbox = await world.shared()
    // With a single id everything inside belongs to it.
    if ((await world.capabilities()).userns === 'range') {
      expect(await codeOf(sandbox.files.write('/etc/passwd', 'x'))).toBe('file.permission_denied')
      expect(await codeOf(sandbox.files.write('/usr/bin/new', 'x'))).toBe('file.permission_denied')
    }
    await sandbox.read('touch closed && chmod 0 closed')
    expect(await codeOf(sandbox.files.read('closed'))).toBe('file.permission_denied')
    await sandbox.files.write('/tmp/open-to-all', 'x')
  })

  verifies(world, 'file.relative', async () => {
    const sandbox = await world.shared()
    await sandbox.files.write('relative', 'x')
    expect(await sandbox.files.stat('./relative')).toMatchObject({ type: 'file' })
    expect(await sandbox.read('cat /home/user/relative')).toBe('x')
  })

  verifies(world, 'file.while-running', async () => {
    await using sandbox = await world.create()
    await using flood = await sandbox.start(['yes'])
    await sandbox.files.write('meanwhile', randomBytes(4 * MEGABYTE))
    expect(sha256(await sandbox.files.read('meanwhile'))).toBe(
      await sandbox.read("sha256sum meanwhile | cut -d' ' -f1"),
    )
    await flood.kill()
  })
})
