// SPDX-License-Identifier: Apache-2.0
// A server that closes each connection a moment after its answer, as any may; the argument is its socket or port.
import { createServer } from 'node:http'

const server = createServer((request, response) => {
  request.resume()
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ pid: process.pid }), () => setTimeout(() => request.socket.destroy(), 50))
})
// Without its own time for kept connections it announces none.
server.keepAliveTimeout = 0
const [where] = process.argv.slice(2)
server.listen(where === 'tcp' ? { port: 0, host: '127.0.0.1' } : where, () => {
  const address = server.address()
  console.log(typeof address === 'string' ? `unix:${address}` : `http://127.0.0.1:${address.port}`)
})
setTimeout(() => process.exit(0), 8000)
