# SPDX-License-Identifier: Apache-2.0
# Hands sockets to the agent whose closing waits for ten minutes, by every way in: as a stream of a question, beyond
# the three, in a message that is never read, and in the queue of a unix socket that is a stream itself.
import array
import threading


def lingering():
    """A connection with more in it than the other side takes, whose closing waits."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1)
    sender = socket.create_connection(listener.getsockname())
    held.append(listener)
    sender.setblocking(False)
    try:
        while True:
            sender.send(b"x" * 65536)
    except BlockingIOError:
        pass
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 600))
    return sender


def let_go(one):
    """Closes it beside the rest: where the agent was faster, it is this close that waits."""
    threading.Thread(target=one.close, daemon=True).start()


def pack(numbers):
    return [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", numbers))]


def question():
    ask = dict(user="root", program=dict(Command=["true"]), directory="/", env={}, terminal=dict(cols=80, rows=24))
    return json.dumps(dict(Ask=ask)).encode()


def connected():
    client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    client.connect("/run/isola/sudo.sock")
    client.settimeout(20)
    return client


def as_stream():
    client, stream = connected(), lingering()
    client.sendmsg([question()], pack([stream.fileno(), 1, 2]))
    let_go(stream)
    return client.recv(65536).decode()


def beyond_three():
    client, extra = connected(), lingering()
    client.sendmsg([question()], pack([0, 1, 2, extra.fileno()]))
    let_go(extra)
    return client.recv(65536).decode()


def never_read():
    client, unread = connected(), lingering()
    client.sendmsg([question()], pack([0, 1]))
    try:
        client.sendmsg([b"{}"], pack([unread.fileno()]))
    except OSError:
        pass
    let_go(unread)
    try:
        return client.recv(65536).decode()
    except ConnectionResetError:
        # Closed with something in it.
        return "missing"


def nested():
    client, inner = connected(), lingering()
    ours, theirs = socket.socketpair()
    ours.sendmsg([b"x"], pack([inner.fileno()]))
    let_go(inner)
    let_go(ours)
    client.sendmsg([question()], pack([theirs.fileno(), 1, 2]))
    let_go(theirs)
    client.recv(65536)
    return client.recv(65536).decode()


held = []
