# SPDX-License-Identifier: Apache-2.0
"""The other end in this process: connections and small servers on Python's `socket` and `ssl`."""

import functools
import socket
import ssl
import struct
import threading

from authority import good
from support import LIMIT


def in_both_modes(test):
    """Run a test over plaintext, where its `certs` is None, and over TLS."""
    @functools.wraps(test)
    def run(self):
        for certs in (None, good()):
            with self.subTest(tls=certs is not None):
                test(self, certs)
    return run


class Stub:
    """A server of this process: `handle` gets each connection, its failures are kept in `errors`.

    With a TLS `context` the handshake is done first; `handle` is not called where it fails.
    """

    def __init__(self, owner, handle=lambda connection: None, context=None):
        self.errors = []
        self.served = threading.Semaphore(0)
        self._handle, self._context = handle, context
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        owner.addCleanup(self._end)

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(LIMIT)
            try:
                if self._context:
                    connection = self._context.wrap_socket(
                        connection, server_side=True, suppress_ragged_eofs=False)
                self._handle(connection)
            except OSError as error:
                self.errors.append(error)
            finally:
                connection.close()
                self.served.release()

    def wait(self):
        """Wait until one more connection is over."""
        if not self.served.acquire(timeout=LIMIT):
            raise AssertionError("nobody connected")

    def _end(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(LIMIT)


def server_context(certificate=None, *, client_ca=None, maximum=None, ciphers=None):
    """What a Python TLS server needs; `certificate` is a path without its suffix."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = certificate or good() / "server"
    context.load_cert_chain(f"{certificate}.pem", f"{certificate}.key")
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)
    return capped(context, maximum, ciphers)


def client_context(certificate=None, *, maximum=None, ciphers=None):
    """What a Python TLS client needs; it trusts the run's good authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(good() / "ca.pem")
    if certificate:
        context.load_cert_chain(f"{certificate}.pem", f"{certificate}.key")
    return capped(context, maximum, ciphers)


def capped(context, maximum, ciphers):
    # Python asks OpenSSL to take a cut connection for an end; these tests tell the two apart.
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    if maximum:
        context.maximum_version = maximum
    if ciphers:
        context.set_ciphers(ciphers)
    return context


def connect(owner, port, context=None, host="127.0.0.1", name=None):
    """A connection from this process, over TLS if there is a `context`."""
    connection = socket.create_connection((host, port), timeout=LIMIT)
    owner.addCleanup(lambda: connection.close())
    if context:
        connection = context.wrap_socket(
            connection, server_hostname=name or host, suppress_ragged_eofs=False)
    return connection


def listening(owner, **how):
    """A listening socket from which only the test accepts, and its port."""
    listener = socket.create_server(("127.0.0.1", 0), **how)
    owner.addCleanup(listener.close)
    return listener, listener.getsockname()[1]


class Engine:
    """A TLS client whose records the test carries over `connection`, so that it chooses what travels together."""

    def __init__(self, connection, context=None, name="localhost"):
        self.connection = connection
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = (context or client_context()).wrap_bio(
            self._incoming, self._outgoing, server_hostname=name)

    def complete(self, step):
        """The result of a step that may want to send and to read first."""
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self.flush()
                received = self.connection.recv(65_536)
                if not received:
                    self._incoming.write_eof()
                self._incoming.write(received)

    def shake_hands(self):
        """The client's own last flight is not sent yet."""
        self.complete(self.tls.do_handshake)

    def record(self, message):
        """The bytes of one record, not sent."""
        self.tls.write(message)
        return self.taken()

    def taken(self):
        """What is to be sent, which the caller does."""
        return self._outgoing.read()

    def flush(self):
        self.connection.sendall(self.taken())

    def read(self):
        """What one record holds; nothing at a polite end."""
        return self.complete(lambda: self.tls.read(65_536))


def ask(connection, message):
    """Send one message and return the reply."""
    connection.sendall(message if isinstance(message, bytes) else message.encode())
    return connection.recv(4096).decode()


def answer(*replies):
    """What a `Stub` does that gives one reply for each message and then ends."""
    def handle(connection):
        for reply in replies:
            connection.recv(4096)
            connection.sendall(reply)
    return handle


def reset(connection):
    """Close so that the other end gets a reset and not an end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def read_to_end(connection):
    """What comes until the peer ends the connection, politely or not."""
    received = b""
    while True:
        try:
            chunk = connection.recv(4096)
        except (ConnectionError, ssl.SSLError):
            return received
        if not chunk:
            return received
        received += chunk
