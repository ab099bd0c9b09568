// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findRegistries } from './registry-hosts.host.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'isola-registries-'))
  for (const name of ['bin', 'home/.cargo', 'apt/sources.list.d']) mkdirSync(join(folder, name), { recursive: true })
})
afterEach(() => rmSync(folder, { recursive: true }))

/** A host with only these programs. */
const find = () =>
  findRegistries({
    env: { PATH: join(folder, 'bin'), HOME: join(folder, 'home') },
    aptDirectory: join(folder, 'apt'),
  })
const program = (name: string, script: string): void =>
  writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })

test('each manager that is there is asked, and its answers become hosts and settings', async () => {
  program('npm', `echo '{"registry": "https://npm.example.org/"}'`)
  program(
    'pip',
    `case "$1" in config) ;; *) echo "--index-url <url> Base (default https://pip.example.org/simple).";; esac`,
  )
  program('go', 'echo "$GOTOOLCHAIN" >&2; echo https://go.example.org; echo off; echo')
  program('apt-config', 'echo')
  program('cargo', 'exit 1')
  writeFileSync(
    join(folder, 'home/.cargo/config.toml'),
    '[registries.a]\nindex = "sparse+https://cargo.example.org/"\n',
  )
  writeFileSync(join(folder, 'apt/sources.list'), 'deb http://apt.example.org/a stable main\n')
  writeFileSync(join(folder, 'apt/sources.list.d/b.list'), 'deb http://apt.example.org/b stable main\n')
  writeFileSync(
    join(folder, 'apt/sources.list.d/c.sources'),
    'Types: deb\nURIs: http://apt.example.org/c\nSuites: stable\nComponents: main\n',
  )
  writeFileSync(join(folder, 'apt/sources.list.d/d.list.off'), 'deb http://off.example.org/d stable main\n')
  const { hosts, env, files } = await find()
  expect(hosts.map(({ host, port }) => `${host}:${port}`)).toEqual([
    'npm.example.org:443',
    'pip.example.org:443',
    'go.example.org:443',
    'apt.example.org:80',
    'cargo.example.org:443',
  ])
  expect(env).toEqual({
    npm_config_registry: 'https://npm.example.org/',
    PIP_INDEX_URL: 'https://pip.example.org/simple',
    GOPROXY: 'https://go.example.org',
    GOSUMDB: 'off',
  })
  expect(files.map(({ path }) => path)).toEqual(['/etc/apt/sources.list', '/.cargo/config.toml'])
  expect(files[0]?.content).toBe(
    ['a', 'b', 'c'].map((name) => `deb http://apt.example.org/${name} stable main\n`).join(''),
  )
})

test('a host without package managers has no registries', async () => {
  expect(await find()).toEqual({ hosts: [], env: {}, files: [], notes: [] })
})

test('a manager that fails, or never stops talking, has no facts', async () => {
  program('npm', `echo '{"registry": "https://npm.example.org/"}'; exit 1`)
  program('go', 'while :; do echo https://go.example.org; done')
  expect(await find()).toEqual({ hosts: [], env: {}, files: [], notes: [] })
})

test('a manager that waits for somebody to type is not waited for', async () => {
  program('npm', `read answer; echo '{"registry": "https://npm.example.org/"}'`)
  expect((await find()).hosts).toHaveLength(1)
})
