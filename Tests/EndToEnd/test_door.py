# SPDX-License-Identifier: Apache-2.0
"""Limits by address, before a handshake is finished: who is let in, who gives way, and what is reported."""

import json
import resource
import select
import socket
import time
import unittest

import authority
from door import BAD, Crowd, fail, is_closed, is_open, knock, proxied
from load_conversation import IP_BIND_ADDRESS_NO_PORT, WRITE, asked, completed, drive
from remote_server import REPLIES, TableServer, program
from strangers import ask, client_context, read_to_end, reset
from support import Client, Server, TestCase, eventually, measures_memory

OTHERS = "127.0.0.2"


def records(server, event="handshake-failure"):
    return [record for record in map(json.loads, server.audit.read_text().splitlines())
            if record["event"] == event]


def counted(records):
    return sum(record.get("count", 1) for record in records)


class Places(TestCase):
    def serve(self, *options, **how):
        return Server(self, "command", *options, certs=authority.good(), trusting=[], **how)

    def assertServes(self, server, address="127.0.0.1"):
        with client_context().wrap_socket(knock(self, server.port, address),
                                          server_hostname="localhost") as connection:
            self.assertEqual(ask(connection, "Hello"), "Greetings!")

    def test_an_address_has_so_many_places_and_others_have_theirs(self):
        server = self.serve("--max-handshakes-per-address", "5")
        held = [knock(self, server.port, OTHERS) for _ in range(5)]
        self.assertTrue(is_closed(knock(self, server.port, OTHERS)))
        server.stderr.expect(r"127\.0\.0\.2:\d+: refused: 5 connections .*--max-handshakes-per-address\)\n")
        self.assertServes(server, "127.0.0.3")
        held.pop().close()
        eventually(lambda: self._is_served(server, OTHERS), "a place that is free again")

    def _is_served(self, server, address):
        try:
            self.assertServes(server, address)
            return True
        except OSError:
            return False

    def test_who_has_most_gives_way_to_a_newcomer(self):
        server = self.serve("--max-handshakes", "12", "--max-handshakes-per-address", "8", "--threads", "2")
        crowd = [knock(self, server.port, OTHERS) for _ in range(8)]
        few = [knock(self, server.port, f"127.0.0.{last}") for last in range(10, 14)]
        for _ in range(20):
            self.assertServes(server)
        # One of them came when all places were taken; the others had the place that it left.
        server.stderr.expect(r"127\.0\.0\.2:\d+: refused: .*made way.*--max-handshakes 12\)\n")
        self.assertEqual(sum(map(is_open, crowd)), 7)
        self.assertTrue(all(map(is_open, few)))

    def test_the_broker_has_room_for_as_many_as_may_fail_at_once(self):
        server = TableServer(self, REPLIES, "--max-sessions", "8", "--max-handshakes", "1000", "--threads", "1",
                             "--close-timeout", "20", trusting=[])
        crowd = [knock(self, server.port, f"127.8.{number // 200}.{number % 200 + 1}") for number in range(300)]
        for stranger in crowd:
            stranger.sendall(BAD)
        for stranger in crowd:
            # The alert: it is refused, and doesn't leave.
            self.assertNotEqual(stranger.recv(100), b"")
        session = server.session(self)
        session.run("Hello")
        self.assertEqual(session.outcome().output, b"Greetings!\n")

    def test_who_says_nothing_is_given_up_in_time_whatever_it_sends(self):
        server = self.serve("--handshake-timeout", "0.5")
        silent, slow = knock(self, server.port, OTHERS), knock(self, server.port, "127.0.0.3")
        slow.sendall(bytes.fromhex("160301020001"))
        for one in (silent, slow):
            self.assertTrue(is_closed(one))
        server.stderr.expect(r"127\.0\.0\.2:\d+: refused: .*sent nothing within 0\.5 s")

    def test_a_hello_that_claims_too_much_is_refused_with_an_alert(self):
        server = self.serve()
        for number, pieces in enumerate((
            [bytes.fromhex("1603014000" "0101ffb8")], [b"\x16\x03\x01\0\x01\x01", b"\x16\x03\x01\0\x01\x01",
                                                       b"\x16\x03\x01\0\x02\xff\xb8"],
            [bytes([byte]) for byte in bytes.fromhex("1603014000" "0101ffb8")],
        )):
            connection = knock(self, server.port, f"127.0.0.{20 + number}")
            for piece in pieces:
                connection.sendall(piece)
            self.assertEqual(read_to_end(connection), bytes.fromhex("1503030002022f"))
            server.stderr.expect(rf"127\.0\.0\.{20 + number}:\d+: refused: .*ClientHello.*16384")


class Failures(TestCase):
    def setUp(self):
        self.server = TableServer(self, REPLIES, "--max-failed-handshakes", "1", trusting=[])

    def test_beyond_its_budget_an_address_is_closed_unread_and_all_is_counted(self):
        for _ in range(5):
            self.assertNotEqual(fail(self, self.server.port, OTHERS), b"", "an alert")
        # In the time that this takes a few more may fail in earnest.
        answers = [fail(self, self.server.port, OTHERS) for _ in range(60)]
        self.assertGreater(answers.count(b""), 30)
        self.assertEqual(fail(self, self.server.port, "127.0.0.3")[:1], b"\x15")
        self.assertEqual(self.server.session(self).ask("Hello").lines, ["Greetings!"])
        self.server.signal(15)
        self.assertStatus(self.server, 0)
        mine = [r for r in records(self.server) if r["address"].split(":")[0] == OTHERS]
        self.assertEqual(counted(mine), 65)
        self.assertEqual(["count" in r for r in mine], [False, True])
        first, rest = mine
        self.assertEqual((first["code"], first["session"] > 0), ("tlsFailed", True))
        self.assertNotIn("session", rest)
        self.assertEqual(rest["code"], "tooManyFailures")
        self.assertEqual(sum(int(r.split()[1]) for r in rest["reasons"]), 64)
        lines = [line for line in self.server.stderr.text.splitlines() if OTHERS in line]
        self.assertEqual(len(lines), 2, lines)
        self.assertRegex(lines[1], r"127\.0\.0\.2: 64 more connections without a session in \d+ s: "
                                   r".*tooManyFailures \d+")

    def test_a_health_check_is_in_the_log_once_and_in_no_record(self):
        before = self.server.descriptors
        for _ in range(4):
            knock(self, self.server.port, OTHERS).close()
        self.server.stderr.expect(r"127\.0\.0\.2:\d+: the client connected and left without sending anything")
        session = self.server.session(self)  # Which was accepted after them.
        session.close()
        eventually(lambda: self.server.descriptors <= before, "their ends")
        self.server.signal(15)
        self.assertStatus(self.server, 0)
        self.assertRegex(self.server.stderr.text, r"127\.0\.0\.2: 3 more connections .*leftWithoutAWord 3\n")
        self.assertEqual(records(self.server), [])


class Balancers(TestCase):
    CLIENT = "192.0.2.9"

    def setUp(self):
        self.server = TableServer(
            self, REPLIES, "--proxy-from", "127.0.0.2", "--max-failed-handshakes", "1", trusting=[])

    def through(self, header, address=OTHERS, port=None):
        connection = knock(self, port or self.server.port, address)
        connection.sendall(header)
        return connection

    def shake(self, connection):
        context = client_context(authority.good() / "client")
        return context.wrap_socket(connection, server_hostname="localhost", suppress_ragged_eofs=False)

    def test_the_clients_address_is_in_log_records_and_limits(self):
        for rest in (b"", b"\x04\0\3abc"):
            with self.shake(self.through(proxied(self.CLIENT, rest=rest))) as tls:
                self.assertEqual(ask(tls, "Hello"), "Greetings!")
                tls.unwrap()
        eventually(lambda: len(records(self.server, "session-end")) == 2, "two records")
        ends = records(self.server, "session-end")
        self.assertEqual({r["address"] for r in ends}, {f"{self.CLIENT}:4660"})
        self.assertEqual({r["balancer"].rpartition(":")[0] for r in ends}, {OTHERS})
        self.server.stderr.expect(rf"{self.CLIENT}:4660 via 127\.0\.0\.2:\d+ .*session ended")
        for _ in range(5):
            connection = self.through(proxied(self.CLIENT) + BAD)
            self.assertEqual(connection.recv(1), b"\x15")
        self.assertTrue(is_closed(self.through(proxied(self.CLIENT))))
        eventually(lambda: records(self.server), "the record of a failure")
        failure, = records(self.server)
        self.assertEqual(failure["balancer"].rpartition(":")[0], OTHERS)
        with self.shake(self.through(proxied("192.0.2.10"))) as tls:
            self.assertEqual(ask(tls, "Hello"), "Greetings!")

    def test_what_is_about_no_client_is_the_balancers_own(self):
        for header in (proxied(None, command=0x20, family=0), proxied(None, family=0),
                       proxied(self.CLIENT, family=0x12), proxied(self.CLIENT, command=0x20)):
            with self.shake(self.through(header)) as tls:
                self.assertEqual(ask(tls, "Hello"), "Greetings!")
        eventually(lambda: len(records(self.server, "session-end")) == 4, "their ends")
        for record in records(self.server, "session-end"):
            self.assertRegex(record["address"], r"^127\.0\.0\.2:\d+$")
            self.assertNotIn("balancer", record)

    def check_health(self, server):
        """Checks of a balancer: with a header and an end or a reset, and without one."""
        header, before = proxied(None, command=0x20, family=0), server.descriptors
        for words in (header, header, b""):
            connection = knock(self, server.port, OTHERS)
            connection.sendall(words)
            connection.close()
            connection = knock(self, server.port, OTHERS)
            connection.sendall(words)
            reset(connection)
        with self.through(proxied(self.CLIENT), port=server.port) as last:  # Which was accepted after them.
            last.shutdown(socket.SHUT_WR)
            server.stderr.expect(rf"{self.CLIENT}:4660 via 127\.0\.0\.2:\d+: ")
        eventually(lambda: server.descriptors <= before, "their ends")
        server.signal(15)
        self.assertStatus(server, 0)
        lines = [line for line in server.stderr.text.splitlines() if OTHERS in line]
        self.assertEqual([line for line in lines if " via " not in line and "--proxy-from" not in line], [])

    def test_a_health_check_is_neither_logged_nor_recorded(self):
        self.check_health(self.server)
        self.assertEqual([r for r in records(self.server) if self.CLIENT not in r["address"]], [])

    def test_a_health_check_of_a_server_without_encryption_is_no_session(self):
        for protocol in ("hello", "command"):
            self.check_health(Server(self, protocol, "--proxy-from", OTHERS, trusting=[]))

    def test_a_balancer_that_is_slow_with_its_header_is_given_up_in_time(self):
        server = Server(self, "command", "--proxy-from", OTHERS, "--handshake-timeout", "1",
                        certs=authority.good(), trusting=[])
        begun = time.monotonic()
        silent, slow = knock(self, server.port, OTHERS), knock(self, server.port, OTHERS)
        for byte in proxied(self.CLIENT, rest=bytes(400)):
            try:
                slow.sendall(bytes([byte]))
            except OSError:
                break
            if select.select([slow], [], [], 0.05)[0]:
                break
        else:
            self.fail("each byte prolongs the deadline")
        self.assertTrue(is_closed(slow) and is_closed(silent))
        self.assertLess(time.monotonic() - begun, 10)
        for _ in range(2):
            server.stderr.expect(r"127\.0\.0\.2:\d+: refused: the handshake timed out")

    def test_a_balancer_without_a_good_header_is_told_what_to_do(self):
        for header, words in ((b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", "version 2.*send-proxy-v2"),
                              (b"\x16\x03\x01\0\x05hello", "sent no PROXY protocol header"),
                              (proxied(self.CLIENT, rest=bytes(600)), "longer than 536 bytes"),
                              (proxied(self.CLIENT)[:20], "before its PROXY protocol header was complete")):
            connection = self.through(header)
            connection.shutdown(1)
            self.assertTrue(is_closed(connection))
            self.server.stderr.expect(rf"127\.0\.0\.2:\d+: refused: .*{words}")

    def test_nobody_else_may_say_who_he_is(self):
        self.assertTrue(is_closed(self.through(proxied(self.CLIENT), "127.0.0.3")))
        self.server.stderr.expect(r"127\.0\.0\.3:\d+: refused: .*PROXY protocol header.*none from that address")

    def test_in_plaintext_too(self):
        server = Server(self, "hello", "--proxy-from", "127.0.0.2", "--handshake-timeout", "0.5", trusting=[])
        connection = knock(self, server.port, OTHERS)
        connection.sendall(proxied(self.CLIENT) + b"hi")
        self.assertEqual(connection.recv(100).decode(), "Hello from server")
        connection.close()
        server.stderr.expect(rf"{self.CLIENT}:4660 via 127\.0\.0\.2:\d+: session ended")
        self.assertTrue(is_closed(knock(self, server.port, OTHERS)))
        server.stderr.expect(r"127\.0\.0\.2:\d+: refused: .*sent nothing")


class Returns(TestCase):
    """Good clients by the hundred, all at once, as after a switch's failure."""

    COUNT = 600

    def visit(self, server, address, header=b""):
        sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        sock.bind((address, 0))
        sock.connect_ex(("127.0.0.1", server.port))
        yield sock, WRITE
        if header:
            sock.send(header)
        with self.trust.wrap_socket(sock, server_hostname="localhost", do_handshake_on_connect=False) as tls:
            yield from completed(tls, tls.do_handshake)
            yield from asked(tls)

    def check(self, *options, visits):
        self.trust = client_context()
        server = Server(self, "command", "--handshake-timeout", "60", *options, certs=authority.good(), trusting=[])
        results = drive((self.visit(server, *visit) for visit in visits), window=self.COUNT)
        self.assertEqual([result for result in results if result], [])
        self.assertEqual(len(results), self.COUNT)

    def test_each_from_an_address_of_its_own(self):
        self.check("--max-handshakes", "600", visits=(
            (f"127.2.{n // 250}.{n % 250 + 1}",) for n in range(self.COUNT)))

    def test_through_a_balancer_that_says_who_they_are(self):
        self.check("--proxy-from", OTHERS, "--max-handshakes", "600", visits=(
            (OTHERS, proxied(f"10.0.{n // 250}.{n % 250 + 1}")) for n in range(self.COUNT)))

    def test_through_a_balancer_that_is_trusted(self):
        self.check("--trusted-address", "127.0.0.2/31", "--max-handshakes", "600", visits=(
            (OTHERS,) for _ in range(self.COUNT)))


class Crowds(TestCase):
    """Silent strangers by the thousand, and good clients among them."""

    COUNT = 3_000

    def setUp(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < self.COUNT + 1_000:
            self.skipTest(f"{hard} descriptors are too few")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))

    def check(self, addresses):
        server = TableServer(self, {**REPLIES, "ok": program("/bin/true")}, "--max-sessions", "4000",
                             trusting=[])
        crowd = Crowd(self, server.port, addresses)
        for _ in range(10):
            session = server.session(self)
            self.assertEqual(session.ask("ok").ended, (0, 0))
            session.close()
            crowd.watch(0.05)
        self.assertGreaterEqual(crowd.closed, len(addresses) - 1_000)
        return server

    def test_from_one_address(self):
        server = self.check([OTHERS] * self.COUNT)
        server.stderr.expect(r"127\.0\.0\.2:\d+: refused: 100 connections from this address")

    def test_from_as_many_addresses(self):
        server = self.check([f"127.1.{n // 250}.{n % 250 + 1}" for n in range(self.COUNT)])
        server.stderr.expect(r"127\.1\.\d+\.\d+:\d+: refused: .*made way")

    @measures_memory
    def test_a_silent_stranger_costs_little_memory(self):
        server = Server(self, "command", "--threads", "1", certs=authority.good())
        with client_context().wrap_socket(knock(self, server.port), server_hostname="localhost") as tls:
            self.assertEqual(ask(tls, "Hello"), "Greetings!")
        count, before = 1_500, server.resident
        crowd = Crowd(self, server.port, [OTHERS] * count)
        eventually(lambda: server.descriptors > count, "all of them")
        each = (server.resident - before) / count
        self.assertLess(each, 6_000, f"{each:.0f} bytes each")
        self.assertEqual(len(crowd.open), count)


if __name__ == "__main__":
    unittest.main()
