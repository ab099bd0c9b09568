// SPDX-License-Identifier: Apache-2.0
import type { Requirement } from './requirement.ts'

const source = 'protocol/src/process.ts'

export const streams = {
  'stream.separate': { sentence: 'stdout and stderr stay apart', source },
  'stream.live': { sentence: 'output comes while the process runs', source },
  'stream.binary': { sentence: 'every byte value comes through unchanged, in both directions', source },
  'stream.big': { sentence: 'fifty megabytes come out exactly', source },
  'stream.big-input': { sentence: 'fifty megabytes go in exactly', source },
  'stream.stdin-eof': { sentence: 'a process sees the end of its input', source },
  'stream.stdin-closed': { sentence: 'a process without input reads /dev/null', source },
  'stream.slow-reader': {
    sentence: 'output that nobody reads stalls its writer only: signals and other processes go on',
    source,
  },
  'stream.drop-oldest': { sentence: 'a process may go on over a reader that is too slow', source },
  'stream.early-exit': { sentence: 'input for a process that has ended is no failure of the process', source },
  'tty.is-terminal': { sentence: 'a process with a terminal has one, with the size that was asked for', source },
  'tty.resize': { sentence: 'a terminal that is resized tells its process', source },
  'tty.resize-none': { sentence: 'a process without a terminal cannot be resized', source },
  'tty.interrupt': { sentence: 'Ctrl-C in a terminal interrupts what runs in it', source },
  'tty.eof': { sentence: 'Ctrl-D in a terminal is the end of the input', source },
  'buffered.run': { sentence: 'a buffered run answers with the whole output, as text or base64', source },
  'buffered.events': { sentence: 'a run as events tells start, output and end, line by line', source },
} as const satisfies Record<string, Requirement>
