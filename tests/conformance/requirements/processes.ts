// SPDX-License-Identifier: Apache-2.0
import type { Requirement } from './requirement.ts'

const source = 'protocol/src/process.ts'

export const processes = {
  'process.argv': { sentence: 'arguments arrive as they were given, whatever is in them', source },
  'process.shell': { sentence: 'a shell line is run by /bin/sh', source },
  'process.env': { sentence: 'variables of a process are over those of its sandbox', source },
  'process.cwd': { sentence: 'a process starts where it is told to, and not at all where there is nothing', source },
  'process.user': {
    sentence: 'a process runs as `user`, with home and groups of that user, unless told otherwise',
    source,
  },
  'process.user-root': { sentence: 'a process may run as root of the sandbox', source, needs: 'root-inside' },
  'process.user-other': { sentence: 'a process may run as a named user or as ids', source, needs: 'root-inside' },
  'process.user-unknown': { sentence: 'an unknown user is refused', source },
  'process.root-unavailable': {
    sentence: 'where a sandbox has a single user id, root is refused with the reason',
    source,
  },
  'process.exit-code': { sentence: 'every exit code from 0 to 255 is told', source },
  'process.signal-death': { sentence: 'a process that a signal ended tells which, and has no exit code', source },
  'process.not-found': { sentence: 'a program that does not exist is a typed error that names it', source },
  'process.not-executable': { sentence: 'a file that cannot be executed is a typed error', source },
  'process.script': { sentence: 'a script without an interpreter line is run by /bin/sh', source },
  'process.signal': { sentence: 'a signal reaches the whole group, or the process alone', source },
  'process.signal-any': { sentence: 'a process is signalled by the id that its client chose', source },
  'process.id-taken': { sentence: 'two living processes cannot have one id', source },
  'process.list': { sentence: 'living processes are listed with what they were started as', source },
  'process.timeout': {
    sentence: 'a process that takes too long gets SIGTERM, then SIGKILL, and tells that it timed out',
    source,
  },
  'process.timeout-descendants': { sentence: 'a timeout ends the descendants in the group as well', source },
  'process.output-limit': { sentence: 'a process that writes more than it may is ended and says so', source },
  'process.background': {
    sentence: 'a command ends with its own process, though a child of it holds the output open',
    source: 'mechanics: agent',
  },
  'process.orphans': { sentence: 'processes that lost their parent are reaped', source: 'mechanics: agent' },
  'process.capability-free': { sentence: 'a process has three descriptors and ignores no signal', source },
} as const satisfies Record<string, Requirement>
