# SPDX-License-Identifier: Apache-2.0
"""Opens TLS sessions with a client certificate and keeps them open: `sessions.py PORT CERTS PROTOCOL LEVEL...`, where
PROTOCOL is `message` or `parley/1`. Says each level when that many are open, and goes on at each line of its input."""

import socket
import ssl
import sys

LIMIT = 30.0
"""Seconds that a server has for each step."""
ADDRESSES = 250
"""Of the loopback, so that one does not run out of ports."""

# As in docs/protocol.md: a run of Hello, its reply, and its exit.
EXCHANGES = {
    "message": (b"Hello", b"Greetings!"),
    "parley/1": (bytes([1, 0, 0, 7, 0, 5]) + b"Hello",
                 bytes([17, 0, 0, 11]) + b"Greetings!\n" + bytes([19, 0, 0, 2, 0, 0]))}


def open_session(context, port, number, request, reply):
    sock = socket.create_connection(("127.0.0.1", port), LIMIT, (f"127.0.1.{number % ADDRESSES + 1}", 0))
    # Else the request waits for the acknowledgement of what ended the handshake, which is delayed.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream = context.wrap_socket(sock, server_hostname="localhost")
    stream.sendall(request)
    got = b""
    while len(got) < len(reply):
        more = stream.recv(4096)
        if not more:
            raise OSError("the server closed before its reply")
        got += more
    if got != reply:
        raise OSError(f"a reply is wrong: {bytes(filter(lambda byte: 32 <= byte < 127, got)).decode()}")
    return stream


def main(port, certs, protocol, *levels):
    context = ssl.create_default_context(cafile=f"{certs}/ca.pem")
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(f"{certs}/client.pem", f"{certs}/client.key")
    if protocol == "parley/1":
        context.set_alpn_protocols([protocol])
    streams = []
    for level in map(int, levels):
        while len(streams) < level:
            streams.append(open_session(context, int(port), len(streams), *EXCHANGES[protocol]))
        print(level, flush=True)
        if not sys.stdin.readline():
            return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except OSError as fault:
        sys.exit(f"sessions: {fault}")
