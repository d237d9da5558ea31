# SPDX-License-Identifier: Apache-2.0
"""Behind HAProxy and nginx: both addresses, limits by client, health checks, and a rolling restart that nobody notices."""

import concurrent.futures
import itertools
import signal
import subprocess
import threading
import time
import unittest

import authority
from balancers import EXAMPLES, STREAM_MODULE, HAProxy, Nginx
from conditions import found, needs
from door import BAD, is_closed, knock
from people import client
from remote import Session
from remote_server import TableServer, shell
from support import LIMIT, PARLEY, REPOSITORY, Program, TestCase, eventually, until

TABLE = {"who": shell('echo "$PARLEY_ADDRESS $PARLEY_BALANCER"'), "ok": shell("exec sleep 0.1", concurrency=400)}
BALANCER = "127.0.0.1"
A_SECOND, COMMANDS = 20, 2
"""Clients, and what each of them asks for."""
ROUNDS = 2

needs_nginx = unittest.skipUnless(STREAM_MODULE.exists(), "nginx with its stream module is not installed")


class Visitors:
    """New clients all the time, whether or not those before them have ended: each a session with two commands."""

    def __init__(self, owner, port):
        self._words = [PARLEY, "run", "--certs", authority.good(), "--batch", f"127.0.0.1:{port}"]
        self._enough, self._runs = threading.Event(), []
        # A machine that is too slow for them would only get slower.
        self._places = threading.Semaphore(2 * A_SECOND)
        self._pool = concurrent.futures.ThreadPoolExecutor(2 * A_SECOND)
        self._thread = threading.Thread(target=self._come, daemon=True)
        owner.addCleanup(self._end)
        self._thread.start()

    def _come(self):
        begun = time.monotonic()
        for number in itertools.count(1):
            self._places.acquire()
            self._runs.append(self._pool.submit(self._visit))
            # Not later because of those before: that would spare the servers.
            if self._enough.wait(max(0, begun + number / A_SECOND - time.monotonic())):
                return

    def _visit(self):
        try:
            done = subprocess.run(self._words, input="ok\n" * COMMANDS, capture_output=True, text=True,
                                  timeout=LIMIT, check=False)
        finally:
            self._places.release()
        # A batch tells of each of its commands.
        return (0, "") if done.returncode == 0 else (done.returncode, done.stderr)

    @property
    def served(self):
        return sum(run.done() for run in self._runs)

    def leave(self):
        """No more of them; the statuses and complaints of all."""
        self._end()
        return [run.result() for run in self._runs]

    def _end(self):
        self._enough.set()
        self._thread.join(LIMIT)
        self._pool.shutdown()


class Behind(TestCase):
    OPTIONS = ()

    def serve(self, *options, port=0):
        return TableServer(self, TABLE, *(options or self.OPTIONS), port=port, trusting=[])

    def restart_each(self, kind):
        """A rolling restart while clients come; the records of the ends of their commands."""
        servers = [self.serve(), self.serve()]
        balancer = kind(self, [server.port for server in servers])
        visitors = Visitors(self, balancer.port)
        for name in ["web1", "web2"] * ROUNDS:
            # The older one of the two that run.
            server, served = servers[-2], visitors.served
            eventually(lambda served=served: visitors.served > served + A_SECOND / 2, "some clients in between")
            balancer.take_out(name)
            server.signal(signal.SIGTERM)
            self.assertStatus(server, 0)
            servers.append(self.serve(port=server.port))
            balancer.take_back(name)
            eventually(lambda: servers[-1].records("command-end"), "a client of the new server")
        outcomes = visitors.leave()
        self.assertEqual([outcome for outcome in outcomes if outcome != (0, "")], [], balancer.story)
        self.assertGreater(len(outcomes), 2 * ROUNDS * A_SECOND / 2)

        def ends():
            return [record for server in servers for record in server.records("command-end")]

        # A client may know of its command's end before that is recorded.
        eventually(lambda: len(ends()) >= COMMANDS * len(outcomes), "a record of each command's end")
        self.assertEqual(len(ends()), COMMANDS * len(outcomes))
        for server in servers:
            self.assertEqual(server.records("handshake-failure"), [])
        return ends()


@needs("haproxy")
class BehindHAProxy(Behind):
    OPTIONS = ("--proxy-from", BALANCER)

    def session(self, balancer, address):
        return Session(self, balancer.port, client("client"), address)

    def test_it_accepts_the_example_as_it_is(self):
        program = Program(self, [found("haproxy"), "-c", "-q", "-f", EXAMPLES / "haproxy.cfg"])
        self.assertStatus(program, 0)
        self.assertEqual(program.complaints, [])

    def test_both_addresses_are_in_the_log_the_trail_and_the_programs_environment(self):
        server = self.serve()
        session = self.session(HAProxy(self, [server.port, 1]), "127.0.0.5")
        own = "%s:%d" % session.stream.getsockname()
        address, balancer = session.ask("who").lines[0].split()
        self.assertEqual(address, own)
        self.assertRegex(balancer, rf"^{BALANCER}:\d+$")
        session.close()
        eventually(lambda: server.records("session-end"), "the end of the session")
        for record in server.records():
            self.assertEqual((record["address"], record["balancer"]), (own, balancer))
        server.stderr.expect(rf"parleyd: {own} via {balancer} dns:client .*: session ")

    def test_a_flood_of_one_client_refuses_no_other(self):
        server = self.serve(*self.OPTIONS, "--max-failed-handshakes", "1")
        balancer = HAProxy(self, [server.port, 1])
        flood = "127.0.0.6"

        def is_refused():
            connection = knock(self, balancer.port, flood)
            connection.sendall(BAD)
            return is_closed(connection)
        self.assertTrue(until(is_refused))
        self.assertEqual(self.session(balancer, "127.0.0.5").ask("ok").ended, (0, 0))
        self.assertTrue(is_refused())
        self.assertEqual({r["address"].partition(":")[0] for r in server.records("handshake-failure")}, {flood})

    def test_its_health_checks_are_neither_logged_nor_recorded(self):
        server = self.serve()
        port = server.port
        server.signal(signal.SIGTERM)
        server.wait()
        balancer = HAProxy(self, [port, 1])
        eventually(lambda: balancer.state("web1") == "DOWN", "a check that fails")
        server = self.serve(port=port)
        # It takes more than one check for this.
        eventually(lambda: balancer.state("web1") == "UP", "checks that succeed")
        session = self.session(balancer, "127.0.0.5")
        self.assertEqual(session.ask("ok").ended, (0, 0))
        session.close()
        eventually(lambda: server.records("session-end"), "the end of the session")
        server.signal(signal.SIGTERM)
        self.assertStatus(server, 0)
        self.assertEqual([line for line in server.stderr.text.splitlines() if f" {BALANCER}:" in line
                          and " via " not in line and "listening" not in line], [])
        self.assertEqual({record["address"].partition(":")[0] for record in server.records()}, {"127.0.0.5"})

    def test_a_rolling_restart_costs_no_client_anything(self):
        page = (REPOSITORY / "docs" / "operations.md").read_text()
        for state in ("drain", "ready"):
            self.assertIn(f"set server parley/web1 state {state}", page)
        for end in self.restart_each(HAProxy):
            self.assertNotEqual(end["address"], end["balancer"])


@needs_nginx
class BehindNginx(Behind):
    OPTIONS = ("--trusted-address", BALANCER)

    def test_a_rolling_restart_costs_no_client_anything(self):
        for end in self.restart_each(Nginx):
            self.assertNotIn("balancer", end)

    def test_its_proxy_protocol_is_refused_with_the_reason(self):
        server = self.serve("--proxy-from", BALANCER)
        balancer = Nginx(self, [server.port, 1], "proxy_protocol on;")
        knock(self, balancer.port).sendall(BAD)
        server.stderr.expect(rf"{BALANCER}:\d+: refused: .*version 1, but only version 2 is supported")


if __name__ == "__main__":
    unittest.main()
