// SPDX-License-Identifier: Apache-2.0
import { describe } from 'vitest'
import { attacks, REFUSED } from './attack.ts'

// Machine code for another personality of the processor, which a filter that only knows the native one misses.
const INT_80 = `
import mmap
code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
code.write(bytes([0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0xc3]))
function = ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
def own_id():
    if function() <= 0:
        raise OSError(errno.ENOSYS, "int 0x80")
`

describe.runIf(process.arch === 'x64')('on x86-64', () => {
  attacks('the processor', [
    {
      name: 'system calls of i386 by int 0x80',
      program: `${INT_80}
report("getpid", in_child(own_id))
`,
      expect: { getpid: 'signal 31' },
      control: { expect: { getpid: ['ok', 'ENOSYS', 'signal 11'] } },
    },
    {
      name: 'system calls of x32',
      program: `
report("getpid", in_child(lambda: checked(0x40000000 | 39)))
report("native", in_child(lambda: checked("getpid")))
`,
      expect: { getpid: ['signal 31', 'ENOSYS', 'EPERM'], native: 'ok' },
    },
    {
      name: 'ports of the machine',
      program: `
report("iopl", outcome("iopl", 3))
report("ioperm", outcome("ioperm", 0x80, 1, 1))
`,
      expect: { iopl: REFUSED, ioperm: REFUSED },
      control: { expect: { iopl: ['ok', 'ENOSYS'], ioperm: ['ok', 'ENOSYS'] } },
    },
  ])
})
