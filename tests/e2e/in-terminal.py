# SPDX-License-Identifier: Apache-2.0
# Runs a program in a new terminal: waits for what it prints, types, and passes its output and exit code on.
import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios

script = json.load(sys.stdin)
master, slave = pty.openpty()
fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
before = termios.tcgetattr(slave)
child = os.fork()
if child == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for descriptor in range(3):
        os.dup2(slave, descriptor)
    os.closerange(3, 1024)
    os.execvp(script["argv"][0], script["argv"])

steps = script["steps"]
unread = ""
os.set_blocking(master, True)
status = None
while status is None:
    # The slave stays open here, so the end is told by the child and not by the terminal.
    if select.select([master], [], [], 0.05)[0]:
        chunk = os.read(master, 65536).decode("utf8", "replace")
        sys.stdout.write(chunk)
        unread += chunk.replace("\r", "")
    while steps and steps[0][0] in unread:
        wait_for, text = steps.pop(0)
        unread = unread.split(wait_for, 1)[1]
        os.write(master, text.encode())
    pid, ended = os.waitpid(child, os.WNOHANG)
    if pid:
        status = ended
while select.select([master], [], [], 0)[0]:
    sys.stdout.write(os.read(master, 65536).decode("utf8", "replace"))
print("terminal unchanged" if termios.tcgetattr(slave) == before else "terminal changed", file=sys.stderr)
sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
