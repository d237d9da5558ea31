# SPDX-License-Identifier: Apache-2.0
"""Conversations, many at once: generators that yield (socket, events) where they would block."""

import collections
import errno
import os
import selectors
import socket
import ssl
import time

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
IP_BIND_ADDRESS_NO_PORT = 24  # Linux: the port is chosen at connect, so that ports can't run out


def connected(server, number=0, receive_buffer=None):
    sock = socket.socket()
    sock.setblocking(False)
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    # Else what a client says after its Finished waits 40 ms for the server's delayed ACK.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
    sock.bind((f"127.0.1.{1 + number % 16}", 0))
    sock.connect_ex(server.address)
    yield sock, WRITE
    refused = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if refused:
        raise OSError(refused, os.strerror(refused))
    return sock


def session(server, number=0, receive_buffer=None):
    sock = yield from connected(server, number, receive_buffer)
    tls = server.trust.wrap_socket(sock, server_hostname="localhost",
                                   do_handshake_on_connect=False, suppress_ragged_eofs=False)
    yield from completed(tls, tls.do_handshake)
    return tls


def completed(sock, operation, *arguments):
    while True:
        try:
            return operation(*arguments)
        except ssl.SSLWantReadError:
            yield sock, READ
        except ssl.SSLWantWriteError:
            yield sock, WRITE


def asked(tls, message=b"Hello", reply=b"Greetings!"):
    yield from completed(tls, tls.send, message)
    answer = yield from completed(tls, tls.recv, 1024)
    if answer != reply:
        raise OSError(errno.EPROTO, f"{message!r} was answered {answer!r}")


def quit_politely(tls):
    yield from asked(tls, b"quit", b"Closing down")
    if (yield from completed(tls, tls.recv, 1)):  # an end without close_notify raises
        raise OSError(errno.EPROTO, "the server goes on after its last reply")
    end(tls)


def end(tls):
    try:
        tls.unwrap()  # sends close_notify; would block for the server's, which nobody waits for
    except OSError:
        pass
    tls.close()


def drive(jobs, window=64, seconds=60.0):
    """What each conversation returned, or the OSError that ended it, `window` of them at once."""
    results, running, waiting = [], set(), collections.deque(jobs)
    until = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:

        def advance(job):
            running.discard(job)
            try:
                selector.register(*next(job), job)
                running.add(job)
            except StopIteration as returned:
                results.append(returned.value)
            except OSError as error:
                results.append(error.with_traceback(None))  # its frames would hold a descriptor

        while (waiting or running) and time.monotonic() < until:
            while waiting and len(running) < window:
                advance(waiting.popleft())
            for key, _ in selector.select(0.1) if running else ():
                selector.unregister(key.fileobj)
                advance(key.data)
        for job in [*running, *waiting]:
            job.close()
            results.append(TimeoutError(errno.ETIMEDOUT, f"not done after {seconds:.0f} s"))
    return results
