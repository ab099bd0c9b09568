// SPDX-License-Identifier: Apache-2.0
// Stands in for the server's program: wins or loses the race for its state directory, as that does.
import { closeSync, openSync, rmSync, unlinkSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'

const directory = process.env.ISOLA_STATE_DIR
const socket = join(directory, 'isolad.sock')
const lock = join(directory, 'stub.lock')
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`)

switch (process.env.STUB_ISOLAD) {
  case 'fail':
    say({
      event: 'failed',
      error: {
        code: 'host.store_corrupt',
        message: `open ${directory}/isola.sqlite: not a database`,
        hint: 'move it away',
      },
    })
    process.exitCode = 1
    break
  case 'crash':
    console.error('Error: the engine fell off')
    process.exitCode = 3
    break
  case 'garbage':
    console.log('hello there')
    break
  default:
    race()
}

function race() {
  try {
    closeSync(openSync(lock, 'wx'))
  } catch {
    say({ event: 'already-running', socket })
    return
  }
  rmSync(socket, { force: true })
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ version: '0', apiVersion: 'v1', agentGeneration: 1, pid: process.pid }))
    if (request.url === '/v1/server?end') process.exit(0)
  })
  // The winner is slow, so that the losers are told before anything listens.
  setTimeout(() => server.listen(socket, () => say({ event: 'ready', socket, pid: process.pid })), 200)
  // Nobody is to find it alive after the tests, whatever happens to them.
  setTimeout(() => process.exit(0), 8000)
  process.on('SIGTERM', () => {
    unlinkSync(lock)
    process.exit(0)
  })
}
