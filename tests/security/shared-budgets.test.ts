// SPDX-License-Identifier: Apache-2.0
import { describe, expect } from 'vitest'
import { onHost } from '../support/on-host.ts'
import type { Subject } from '../support/subject.ts'
import { onEachDriver } from '../support/world.ts'

/** Takes what there is, says what it met and how much it has, and keeps it until its input ends. */
const TAKER = `
import ctypes, errno, os, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
kind, most = sys.argv[1], int(sys.argv[2])

class Attributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_long) for name in ("flags", "messages", "size", "now")] + [("pad", ctypes.c_long * 4)]

def queue(number):
    name = b"/isola-%d-%d" % (os.getpid(), number)
    result = libc.mq_open(name, os.O_CREAT | os.O_RDWR, 0o600, ctypes.byref(Attributes(0, 10, 8192, 0)))
    if result >= 0:
        libc.mq_unlink(name)
    return result

def pend(number):
    signal.pthread_sigmask(signal.SIG_BLOCK, [40])
    return libc.sigqueue(os.getpid(), 40, ctypes.c_void_p(0))

take = {"inotify": lambda number: libc.inotify_init1(0), "queues": queue, "signals": pend,
        "terminals": lambda number: libc.posix_openpt(os.O_RDWR)}[kind]
taken, met = 0, "ok"
while taken < most and met == "ok":
    if take(taken) < 0:
        met = errno.errorcode[ctypes.get_errno()]
    else:
        taken += 1
print(met, taken, flush=True)
sys.stdin.read()
`

interface Budget {
  readonly kind: 'inotify' | 'queues' | 'signals' | 'terminals'
  readonly ends: string
  /** More than this one sandbox must never get. */
  readonly most: number
}

/** What the kernel counts for a user or a machine and not for a cgroup. */
const BUDGETS: readonly Budget[] = [
  { kind: 'inotify', ends: 'EMFILE', most: 1_000_000 },
  { kind: 'queues', ends: 'EMFILE', most: 4 },
  { kind: 'signals', ends: 'EAGAIN', most: 4096 },
  { kind: 'terminals', ends: 'ENOSPC', most: 256 },
]

describe('budgets that the kernel keeps for all', () => {
  onEachDriver((world) => {
    for (const budget of BUDGETS) {
      world.test(`all ${budget.kind} taken by one sandbox: the next one and the host have theirs`, async () => {
        await using hog = await world.create({ openFiles: 4096 })
        await using taker = await hog.start(['python3', '-c', TAKER, budget.kind, '2000000'], { stdin: true })
        const [met, taken] = (await firstLine(taker)).split(' ')
        expect(met).toBe(budget.ends)
        expect(Number(taken)).toBeGreaterThan(1)
        expect(Number(taken)).toBeLessThanOrEqual(budget.most)
        const onHostNow = await onHost(['/usr/bin/python3', '-c', TAKER, budget.kind, '1'], { input: '' })
        expect(onHostNow.stdout).toBe('ok 1\n')
        const neighbour = await world.shared()
        expect(await neighbour.read(['python3', '-c', TAKER, budget.kind, '1'])).toBe('ok 1')
      })
    }
  })
})

async function firstLine(process: Awaited<ReturnType<Subject['start']>>): Promise<string> {
  let soFar = ''
  for await (const { bytes } of process.output()) {
    soFar += Buffer.from(bytes).toString()
    if (soFar.includes('\n')) break
  }
  return soFar.split('\n')[0] ?? ''
}
