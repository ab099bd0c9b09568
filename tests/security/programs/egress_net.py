# SPDX-License-Identifier: Apache-2.0
# What attacks on the way out are made of. Runs behind prelude.py, inside a sandbox.
# An outcome is `ok` when something came back from the other side, `closed` when the connection ended without,
# else the name of the errno; of HTTP the status of the answer; of DNS the addresses or the name of the code.
import http.client
import random
import ssl
import threading
import time

PATIENCE = 20
RESOLVER = "198.18.0.53"
CONTROL = ("93.184.215.99", 7777)
RCODES = {1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def dial(address, port):
    client = socket.socket(family_of(address), socket.SOCK_STREAM)
    client.settimeout(PATIENCE)
    client.connect((address, port))
    return client


def tried(action):
    try:
        return action()
    except socket.timeout:
        return "timeout"
    except http.client.RemoteDisconnected:
        return "closed"
    except OSError as error:
        return errno.errorcode.get(error.errno, type(error).__name__)


def heard(client, least=1):
    """What comes back: `ok`, or `closed`."""
    return "ok" if client.recv(65536) else "closed"


def reach(address, port, payload=b"anybody?\r\n"):
    def action():
        with dial(address, port) as client:
            client.sendall(payload)
            return heard(client)
    return tried(action)


def everything(client):
    parts = []
    while True:
        part = client.recv(65536)
        if not part:
            return b"".join(parts)
        parts.append(part)


def datagram(address, port, payload=b"anybody?", patience=3):
    """Sends until it is told that nobody is there, or an answer comes."""
    def action():
        with socket.socket(family_of(address), socket.SOCK_DGRAM) as client:
            client.settimeout(patience)
            client.connect((address, port))
            client.send(payload)
            client.recv(4096)
            return "ok"
    return tried(action)


# DNS

def question(name, kind=1, labels=None, flags=0x0100):
    parts = [part.encode("latin1") for part in name.rstrip(".").split(".")] if labels is None else labels
    wire = b"".join(bytes([len(part)]) + part for part in parts) + b"\0"
    return struct.pack(">HHHHHH", random.randrange(65536), flags, 1, 0, 0, 0) + wire + struct.pack(">HH", kind, 1)


def answer_of(asked, message):
    if message[:2] != asked[:2]:
        return "another id"
    flags, _, answers = struct.unpack(">HHH", message[2:8])
    if flags & 15:
        return RCODES.get(flags & 15, str(flags & 15))
    found, offset = [], len(asked)
    for _ in range(answers):
        kind, size = struct.unpack(">H", message[offset + 2:offset + 4])[0], struct.unpack(">H", message[offset + 10:offset + 12])[0]
        data = message[offset + 12:offset + 12 + size]
        offset += 12 + size
        found.append(socket.inet_ntop(socket.AF_INET if kind == 1 else socket.AF_INET6, data) if kind in (1, 28) else "type %d" % kind)
    return " ".join(sorted(found)) or "EMPTY"


def ask_raw(message, server=RESOLVER, port=53, stream=False):
    def action():
        if stream:
            with dial(server, port) as client:
                client.sendall(struct.pack(">H", len(message)) + message)
                size = client.recv(2, socket.MSG_WAITALL)
                if len(size) < 2:
                    return "closed"
                return answer_of(message, client.recv(struct.unpack(">H", size)[0], socket.MSG_WAITALL))
        with socket.socket(family_of(server), socket.SOCK_DGRAM) as client:
            client.settimeout(PATIENCE)
            client.connect((server, port))
            client.send(message)
            return answer_of(message, client.recv(65536))
    return tried(action)


def ask(name, kind=1, **where):
    return ask_raw(question(name, kind), **where)


# TLS

def extension(kind, body):
    return struct.pack(">HH", kind, len(body)) + body


def server_name(name):
    encoded = name.encode("latin1")
    entry = b"\0" + struct.pack(">H", len(encoded)) + encoded
    return extension(0, struct.pack(">H", len(entry)) + entry)


def hello_message(name, more=b""):
    """A ClientHello that a server answers. Without a name when it is None."""
    extensions = (b"" if name is None else server_name(name)) + more
    extensions += extension(10, b"\0\4\0\x1d\0\x17") + extension(11, b"\1\0") + extension(13, b"\0\2\4\3")
    body = b"\3\3" + os.urandom(32) + b"\0" + b"\0\2\xc0\x2b" + b"\1\0" + struct.pack(">H", len(extensions)) + extensions
    return b"\1" + struct.pack(">I", len(body))[1:] + body


def record(payload, kind=0x16):
    return bytes([kind]) + b"\3\1" + struct.pack(">H", len(payload)) + payload


def hello(name, more=b""):
    return record(hello_message(name, more))


def greet(address, port, *parts, pause=0):
    """Sends parts, one after the other; what comes back to them."""
    def action():
        with dial(address, port) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for part in parts:
                if callable(part):
                    part()
                    continue
                client.sendall(part)
                if pause:
                    time.sleep(pause)
            return heard(client)
    return tried(action)


def handshake(address, port, name):
    """A whole handshake; what the server says it was called."""
    def action():
        context = ssl._create_unverified_context()
        with context.wrap_socket(dial(address, port), server_hostname=name) as client:
            return client.recv(100).decode().strip()
    return tried(action)


# HTTP

def head(host, target="/", method="GET", more=(), version="HTTP/1.1"):
    lines = ["%s %s %s" % (method, target, version)] + ([] if host is None else ["Host: " + host]) + list(more)
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin1")


def status_of(client):
    """The status of one answer, whose body is read away."""
    answer = http.client.HTTPResponse(client)
    answer.begin()
    answer.read()
    return str(answer.status)


def statuses(address, port, payload, patience=PATIENCE):
    """The status of every answer until the connection ends; then the way it ended."""
    met = []
    def action():
        with dial(address, port) as client:
            client.settimeout(patience)
            client.sendall(payload)
            client.shutdown(socket.SHUT_WR)
            stream = client.makefile("rb")
            class Held:
                def makefile(self, *_):
                    return Kept(stream)
            while True:
                answer = http.client.HTTPResponse(Held())
                answer.begin()
                answer.read()
                met.append(str(answer.status))
    class Kept:
        def __init__(self, stream):
            self.stream = stream
        def __getattr__(self, name):
            return (lambda: None) if name in ("close", "flush") else getattr(self.stream, name)
    end = "closed"
    try:
        end = tried(action) or "closed"
    except http.client.HTTPException:
        pass
    return " ".join(met) if met else end


def fetch(address, port, host, target="/", **more):
    def action():
        with dial(address, port) as client:
            client.sendall(head(host, target, **more))
            return status_of(client)
    try:
        return tried(action)
    except http.client.HTTPException:
        return "closed"


def control():
    """What is allowed works: behind every attack, so that none fails because nothing works."""
    report("control", reach(*CONTROL))
