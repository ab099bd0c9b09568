#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Plain JavaScript that any Node can read: it starts the program with a Node that can run it.
// Kept the same, to the letter, in every package that has a program.
import { spawn } from 'child_process'
import { existsSync } from 'fs'
import { createRequire } from 'module'
import { isatty } from 'tty'
import { fileURLToPath } from 'url'

const NODE_NEEDED = 24
const source = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const compiled = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const unbuilt = existsSync(source)
const program = unbuilt ? source : compiled
const flags = unbuilt ? ['--conditions=@isola/source'] : []

const major = Number(process.versions.node.split('.')[0])
if (major >= NODE_NEEDED && !unbuilt) {
  process.argv[1] = program
  await import(program)
} else {
  const node = major >= NODE_NEEDED ? process.execPath : pinnedNode()
  if (node) start(node, flags.concat(program, process.argv.slice(2)))
  else refuse()
}

function pinnedNode() {
  try {
    const name = 'node-' + process.platform + '-' + process.arch
    const manifest = createRequire(import.meta.url).resolve(name + '/package.json')
    const node = fileURLToPath(new URL('bin/node', 'file://' + manifest))
    return existsSync(node) ? node : null
  } catch {
    return null
  }
}

function refuse() {
  const have = process.versions.node
  console.error(
    `isola: node ${have} is too old, ${NODE_NEEDED} or newer is needed (hint: npm install node@${NODE_NEEDED})`,
  )
  process.exit(125)
}

function start(node, args) {
  if (typeof process.execve === 'function') {
    try {
      process.execve(node, [node].concat(args), process.env)
    } catch {
      // Not every platform can replace the process: a child does as well.
    }
  }
  // Its end of the channel closes when this process is killed, which is the one signal that cannot be passed on.
  const child = spawn(node, args, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] })
  // A terminal sends Ctrl-C to both processes, so only a signal meant for this one alone is passed on.
  const terminal = isatty(0) || isatty(1) || isatty(2)
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2']) {
    const fromTerminal = terminal && (signal === 'SIGINT' || signal === 'SIGQUIT')
    process.on(signal, () => fromTerminal || child.kill(signal))
  }
  child.on('error', (error) => {
    console.error(`isola: cannot start ${node}: ${error.message}`)
    process.exit(125)
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 125)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}
