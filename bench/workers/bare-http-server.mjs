// SPDX-License-Identifier: Apache-2.0
// The least that a Node HTTP server can be: bare-http-server.mjs SOCKET. Plain JavaScript, so that
// no memory goes into stripping types.
import { createServer } from 'node:http'

const server = createServer((incoming, outgoing) => {
  incoming.resume()
  outgoing.statusCode = 204
  outgoing.end()
})
server.keepAliveTimeout = 600_000
server.listen(process.argv[2], () => process.stdout.write('{"event":"ready"}\n'))
