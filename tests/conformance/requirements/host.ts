// SPDX-License-Identifier: Apache-2.0
import type { Requirement } from './requirement.ts'

const limits = 'protocol/src/sandbox.ts: Resources'
const mechanics = 'docs: mechanics'

export const host = {
  'limit.memory': {
    sentence: 'more memory than allowed ends the process, which says out of memory, and the sandbox lives on',
    source: limits,
    needs: 'memory',
  },
  'limit.memory-neighbour': { sentence: 'a memory limit is of one sandbox', source: limits, needs: 'memory' },
  'limit.memory-refused': {
    sentence: 'a memory limit that cannot be enforced is refused with the reason',
    source: limits,
    needs: 'no-memory-limit',
  },
  'limit.pids': { sentence: 'more processes than allowed cannot be started', source: limits, needs: 'pids' },
  'limit.pids-refused': {
    sentence: 'a process limit that root inside could get around is refused with the reason',
    source: limits,
    needs: 'no-pids-limit',
  },
  'limit.cpu': { sentence: 'a sandbox gets no more processor time than it was given', source: limits, needs: 'cpu' },
  'limit.disk': {
    sentence: 'a full disk is told as such, to programs and to the files API',
    source: limits,
    needs: 'disk',
  },
  'limit.open-files': { sentence: 'a process has no more open files than allowed', source: limits, needs: 'openFiles' },
  'limit.shown': { sentence: 'a sandbox shows the limits that are enforced', source: limits },
  'limit.invalid': { sentence: 'limits that make no sense are refused', source: limits },

  'identity.hostname': { sentence: 'each sandbox has a hostname of its own', source: mechanics },
  'identity.machine-id': { sentence: 'each sandbox has a machine id of its own', source: mechanics },
  'identity.users': {
    sentence: 'users are canonical: `user` is 1000, its home belongs to it, on disk as well',
    source: mechanics,
  },
  'identity.map': { sentence: 'ids inside are not those of the host', source: mechanics },
  'identity.pid-1': { sentence: 'the agent is pid 1 and processes of the host are not seen', source: mechanics },
  'identity.layout': {
    sentence: 'the directories of a Linux system are there, with their modes',
    source: 'docs: host template',
  },
  'identity.isolated-boot': {
    sentence: 'no two sandboxes share a namespace, nor one with the host',
    source: 'isolation checklist 1, 2',
  },

  'sudo.id': { sentence: '`sudo` makes the user root', source: mechanics, needs: 'root-inside' },
  'sudo.chown': { sentence: 'root inside may change owners', source: mechanics, needs: 'root-inside' },
  'sudo.status': {
    sentence: '`sudo` passes exit codes, signals, input and output on',
    source: mechanics,
    needs: 'root-inside',
  },
  'sudo.tty': { sentence: '`sudo` works in a terminal', source: mechanics, needs: 'root-inside' },
  'sudo.user': {
    sentence: '`sudo -u` becomes another user, `-E` and VAR=value set the environment',
    source: mechanics,
    needs: 'root-inside',
  },
  'sudo.dpkg': { sentence: 'a local package is installed by dpkg', source: mechanics, needs: 'root-inside' },
  'sudo.refused': { sentence: 'where there is no root inside, `sudo` says so in one line', source: mechanics },

  'network.loopback': { sentence: 'the own loopback works, over IPv4 and IPv6, TCP and UDP', source: mechanics },
  'network.low-port': { sentence: 'the user may listen on any port', source: mechanics },
  'network.none': { sentence: 'there is no route to anywhere else', source: mechanics },
  'network.own': { sentence: 'two sandboxes may use the same port', source: mechanics },

  'program.python': { sentence: 'the Python of the caller runs', source: 'README' },
  'program.node': { sentence: 'the Node of the caller runs', source: 'README' },
  'program.tools': { sentence: 'the usual tools are on the PATH', source: 'docs: host template' },

  'restart.server': {
    sentence: 'sandboxes survive a server that is killed: the next one adopts them',
    source: mechanics,
  },
  'restart.launcher': { sentence: 'sandboxes survive a launcher that is killed', source: mechanics },
  'restart.orphans': { sentence: 'what belongs to nobody is swept at the next start', source: mechanics },
  'restart.exits': {
    sentence: 'a sandbox that ended while no server was there is known to have ended',
    source: mechanics,
  },
} as const satisfies Record<string, Requirement>
