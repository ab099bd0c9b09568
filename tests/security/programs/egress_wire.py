# SPDX-License-Identifier: Apache-2.0
# Runs on the host, in the namespace of the targets: for each line on its input, one with what has arrived since the
# last. Of TCP only the first packet of a connection counts; what neighbours need to find each other does not.
import ipaddress
import json
import select
import socket
import struct
import sys

SYN, ACK = 2, 16
NAMES = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp6", 132: "sctp"}

wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
wire.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)
wire.bind((sys.argv[1], 3))
wire.setblocking(False)
seen = {}


def look(packet, protocol_of_link):
    if protocol_of_link == 0x0800:
        head = (packet[0] & 15) * 4
        protocol, to = packet[9], ipaddress.ip_address(packet[16:20])
        is_later_fragment = struct.unpack("!H", packet[6:8])[0] & 0x1FFF
        if is_later_fragment:
            return "fragment of %d to %s" % (protocol, to)
    elif protocol_of_link == 0x86DD:
        head, protocol, to = 40, packet[6], ipaddress.ip_address(packet[24:40])
    else:
        return None
    if to.is_multicast and protocol in (0, 58):
        return None
    if protocol == 58 and packet[head] in range(130, 138):
        return None
    if protocol in (6, 17):
        if protocol == 6 and packet[head + 13] & (SYN | ACK) != SYN:
            return None
        port = struct.unpack("!H", packet[head + 2:head + 4])[0]
        return "%s %s %d" % (NAMES[protocol], to, port)
    return "%s %s" % (NAMES.get(protocol, str(protocol)), to)


def drain():
    while True:
        try:
            packet, (_, link, kind, *_) = wire.recvfrom(256)
        except BlockingIOError:
            return
        if kind == 4:
            continue
        found = look(packet, link)
        if found is not None:
            seen[found] = True


print("listening", flush=True)
while True:
    ready = select.select([wire, sys.stdin], [], [])[0]
    drain()
    if sys.stdin in ready:
        if sys.stdin.readline() == "":
            break
        drain()
        print(json.dumps(list(seen)), flush=True)
        seen = {}
