# SPDX-License-Identifier: Apache-2.0
"""A balancer that passes bytes on and cuts connections that are silent for too long."""

import select
import socket
import threading

from support import LIMIT


class Proxy:
    """Passes connections on to `port`; one in which nothing moves for `idle` seconds is cut."""

    def __init__(self, owner, port, idle):
        self.cuts = 0
        self._target, self._idle = port, idle
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        owner.addCleanup(self._end)

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._pass_on, args=(near,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _pass_on(self, near):
        with near, socket.create_connection(("127.0.0.1", self._target), LIMIT) as far:
            other = {near: far, far: near}
            open_ends = {near, far}
            while open_ends:
                readable, _, _ = select.select(open_ends, [], [], self._idle)
                if not readable:
                    self.cuts += 1
                    return
                for source in readable:
                    try:
                        data = source.recv(65536)
                        other[source].sendall(data)
                        if not data:
                            open_ends.remove(source)
                            other[source].shutdown(socket.SHUT_WR)
                    except OSError:
                        return

    def _end(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(LIMIT)
