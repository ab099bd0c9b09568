// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest'
import { parseTransfer } from '../copy/endpoint.ts'
import { ArgumentError } from './argument-error.ts'
import { formatDuration, parseDuration } from './duration.ts'
import { collectKeyValue, ENV_NAME } from './key-value.ts'
import { parseListen } from './listen-address.ts'
import { parseCount, parseCpus } from './number.ts'
import { parseSizeMib } from './size.ts'

const duration = (text: string) => parseDuration('--timeout', text)
const size = (text: string) => parseSizeMib('--memory', text, { minMib: 8, maxMib: 1024 * 1024 })
const count = (text: string) => parseCount('--pids', text, { min: 4, max: 100 })
const cpus = (text: string) => parseCpus('--cpus', text)
const env = (text: string) => collectKeyValue('--env', ENV_NAME, text)

describe('what is written is understood', () => {
  test.each([
    [duration, '500ms', 500],
    [duration, '60s', 60_000],
    [duration, '1.5m', 90_000],
    [duration, '2h', 7_200_000],
    [size, '8m', 8],
    [size, '512M', 512],
    [size, '512MiB', 512],
    [size, '1.5g', 1536],
    [size, '10000k', 10],
    [count, '4', 4],
    [cpus, '0.5', 0.5],
    [env, 'A=b=c', { A: 'b=c' }],
    [env, 'A=', { A: '' }],
    [parseListen, '4949', '127.0.0.1:4949'],
    [parseListen, '0.0.0.0:1', '0.0.0.0:1'],
    [parseListen, '[::1]:80', '[::1]:80'],
  ])('%o reads %j', (parse: (text: string) => unknown, text, value) => {
    expect(parse(text)).toEqual(value)
  })
})

describe('what cannot be used is refused with what was given and what is expected', () => {
  test.each([
    [duration, ['', '60', '-1s', '1 s', '0s', '1w', '100d', 'NaNs', '1e3s']],
    [size, ['', '512', '-5', '-5m', '7m', '2t', '1x', 'm']],
    [count, ['', '3', '101', '1.5', '-4', '0x10']],
    [cpus, ['', '0', '-1', '1025', 'two', 'Infinity']],
    [env, ['', 'A', '=b', '1A=b', 'A B=c', 'A-B=c']],
    [parseListen, ['', 'host', ':80', 'a:b', '1.2.3.4:99999', 'http://a:1', 'a b:1']],
  ])('%o', (parse: (text: string) => unknown, texts) => {
    for (const text of texts) {
      expect(() => parse(text), text).toThrow(
        expect.objectContaining({
          message: expect.stringContaining(JSON.stringify(text)),
          hint: expect.stringMatching(/^write /),
        }),
      )
    }
  })
})

test.each([
  [1000, '1s'],
  [1500, '1.5s'],
  [90_000, '1.5m'],
  [1234, '1234ms'],
])('formatDuration() writes %d as %s', (durationMs, text) => {
  expect(formatDuration(durationMs)).toBe(text)
})

describe('parseTransfer()', () => {
  test.each([
    ['a', 'sb1:/x', { direction: 'in', from: { path: 'a' }, to: { sandbox: 'sb1', path: '/x' } }],
    ['lab:', './b', { direction: 'out', from: { sandbox: 'lab', path: '.' }, to: { path: './b' } }],
    ['lab:x:y', '-', { direction: 'out', from: { path: 'x:y' }, to: { kind: 'stream' } }],
    ['./a:b', 'lab:c', { direction: 'in', from: { path: './a:b' } }],
    ['/a:b', 'lab:c', { direction: 'in', from: { path: '/a:b' } }],
  ])('%s to %s', (source, target, expected) => {
    expect(parseTransfer(source, target)).toMatchObject(expected)
  })

  test.each([
    ['a', 'b'],
    ['lab:a', 'lab:b'],
    ['', 'lab:b'],
    ['-', '-'],
  ])('%j to %j is refused', (source, target) => {
    expect(() => parseTransfer(source, target)).toThrow(ArgumentError)
  })
})
