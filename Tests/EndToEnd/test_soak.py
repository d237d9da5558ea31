# SPDX-License-Identifier: Apache-2.0
"""The soak in its short form, and that its books notice what they are kept for."""

import json
import os
import random
import signal
import subprocess
import sys
import types
import unittest
from unittest import mock

import authority
from parley1 import ALPN, FROM_CLIENT, OUTPUT, UNAVAILABLE, Decoder, exited, frame, texts
import remote
from strangers import Stub, answer, ask, connect, server_context
from support import PROGRAMS, REPOSITORY, Program, TestCase, eventually, new_folder

sys.path += [str(REPOSITORY / "Tests" / folder) for folder in ("Siege", "Soak")]
import attacks  # noqa: E402
import daemon as daemon_module  # noqa: E402
from daemon import Daemon  # noqa: E402
from guest import Guest  # noqa: E402
from house import encoded, operator  # noqa: E402
from ledger import FAILED, RIGHT, Failure, Ledger  # noqa: E402
from messenger import Messenger  # noqa: E402
from plan import ATTACKS  # noqa: E402
from trail import Trail  # noqa: E402
from windows import Versions, Windows  # noqa: E402

SOAK = str(REPOSITORY / "scripts" / "soak")
MINUTES = "0.15"


class Short(TestCase):
    def test_every_request_has_its_answer_among_bad_clients_and_faults(self):
        run = subprocess.run(
            [SOAK, MINUTES, "--seed", "4"], timeout=300, capture_output=True, text=True,
            env={**os.environ, "PARLEY_BIN": str(PROGRAMS)})
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        self.assertIn("--seed 4", run.stdout)
        self.assertRegex(run.stdout, "seed 4: all held")

    def test_a_seed_makes_its_plan_and_no_other(self):
        plans = []
        for seed in ("5", "5", "6"):
            program = Program(self, [SOAK, "2", "--plan", "--seed", seed])
            self.assertStatus(program, 0)
            plans.append(program.stdout.text)
        self.assertEqual(plans[0], plans[1])
        self.assertNotEqual(plans[0], plans[2])
        for action in ("echo", "never_read", "mutate", "exhaustion", "revocation", *ATTACKS):
            self.assertRegex(plans[0], rf"\b{action}\b")

    def test_a_signal_ends_it_and_leaves_nothing(self):
        folder = new_folder()
        program = Program(
            self, [SOAK, "1"],
            environment={"PARLEY_BIN": str(PROGRAMS), "TMPDIR": str(folder)})
        program.stdout.expect("requests right")
        program.signal(2)
        self.assertStatus(program, 130)
        self.assertNotIn("WRONG", program.stdout.text)
        self.assertEqual(list(folder.iterdir()), [])


class Daemons(TestCase):
    """The servers of a soak, whose logs are judged line by line."""

    def setUp(self):
        self.complaints = []

    def start(self, protocol="hello", judge=lambda line: None, **how):
        return Daemon(self, "it", protocol, judge=judge, complain=self.complaints.append, **how)

    def test_a_server_that_ends_by_itself_is_told_with_its_last_words(self):
        self.start().signal(signal.SIGKILL)
        eventually(lambda: self.complaints, "a complaint")
        self.assertRegex(self.complaints[0], r"^it ended with -9; its last words: .*listening on")

    def test_a_server_that_is_ended_is_no_complaint(self):
        daemon = self.start()
        self.assertIsNone(daemon.stop())
        daemon.stderr.finish()
        self.assertEqual(self.complaints, [])

    def test_a_line_that_is_judged_strange_is_told(self):
        self.start(judge=lambda line: "a strange line" if "listening" in line else None)
        eventually(lambda: self.complaints, "a complaint")
        self.assertRegex(self.complaints[0], "^it: a strange line: parleyd: listening on")

    def test_a_line_counts_for_a_reload_only_where_it_comes_after_it(self):
        daemon = self.start("command", certs=authority.good())
        for _ in range(2):
            daemon.reload("SIGHUP: certificates reloaded")
        with mock.patch.object(daemon_module, "PATIENCE", 0.3), self.assertRaises(AssertionError):
            daemon.wait_for("SIGHUP: certificates reloaded", daemon.mark())

    def test_an_operator_answers_each_message(self):
        daemon = self.start("chat", operator=operator)
        session = connect(self, daemon.port)
        for message in ("one", "two"):
            self.assertEqual(ask(session, message), f"you said {message}")


class Books(unittest.TestCase):
    """What a ledger says of requests by themselves."""

    def setUp(self):
        self.ledger = Ledger(Windows(), 0, say=lambda line: None)

    def open(self, kind="program", name="t000000000001x"):
        return self.ledger.open("guest", kind, name)

    def assertComplaints(self, *patterns):
        self.assertEqual(len(self.ledger.complaints), len(patterns), self.ledger.complaints)
        for complaint, pattern in zip(self.ledger.complaints, patterns):
            self.assertRegex(complaint, pattern)

    def test_a_right_answer_is_no_complaint(self):
        self.open().answered("", True)
        self.ledger.close()
        self.assertComplaints()

    def test_a_request_without_an_end_is_lost(self):
        self.open()
        self.ledger.close()
        self.assertComplaints("lost")

    def test_a_request_with_two_ends_is_told(self):
        request = self.open()
        request.answered("", True)
        request.answered("", True)
        self.assertComplaints("twice")

    def test_a_failure_is_allowed_in_its_window_and_to_programs_alone(self):
        refusal = Failure("refusal", UNAVAILABLE, "cannot be recorded")
        with self.ledger.windows.open("full_disk"):
            self.open().failed(refusal)
            self.assertComplaints()
            self.open("reply", "reply-00").failed(refusal)
            self.open(name="t000000000002x").failed(Failure("connection", 0, "reset"))
        self.assertComplaints("outside", "outside")
        with self.ledger.windows.open("table"):
            self.open(name="t000000000003x").failed(refusal)
        self.open(name="t000000000004x").failed(refusal)
        self.assertComplaints(*["outside"] * 4)

    def test_a_program_that_ran_while_nothing_could_be_recorded_is_told(self):
        request = self.open()
        with self.ledger.windows.open("full_disk") as window:
            window.begin = window.held = request.began
            request.answered("", True)
            window.release()
        Trail(self.folder([]), self.ledger.complain).check(self.ledger)
        self.assertComplaints("nothing could be recorded")

    def test_a_trail_that_lost_or_doubled_a_record_is_told(self):
        request = self.open()
        request.answered("", True)
        start, end = (dict(event=f"command-{event}", session=1, command=1, outcome="exit",
                           arguments=[request.name], time="2026-01-01T00:00:00.000000Z")
                      for event in ("start", "end"))
        for records, is_right in (
            ([start, end], True), ([start], False), ([end], False), ([start, start, end], False),
            ([start, end, end], False), ([], False),
        ):
            with self.subTest(records):
                self.ledger.complaints.clear()
                Trail(self.folder(records), self.ledger.complain).check(self.ledger)
                self.assertEqual(not self.ledger.complaints, is_right, self.ledger.complaints)

    def test_one_line_may_be_torn_where_the_disk_was_full_and_only_at_its_end(self):
        whole = '{"time":"2026-01-01T00:00:00.000000Z","event":"reload"}\n'
        for torn, is_told in [("{", False), (whole[:30], False), ("event", True), ("", True),
                              ("{\n{", True)]:
            with self.subTest(torn=torn):
                self.setUp()
                folder = self.folder([])
                (folder / "audit-0001-torn.jsonl").write_text(f"{whole}{torn}\n{whole}")
                trail = Trail(folder, self.ledger.complain)
                self.assertEqual(bool(self.ledger.complaints), is_told)
                self.assertEqual(len(trail.records), 2)

    def test_a_trail_with_half_a_line_is_told(self):
        folder = self.folder([])
        (folder / "audit.jsonl").write_text('{"event":"command-sta')
        Trail(folder, self.ledger.complain)
        self.assertComplaints("within a line", "no record")

    def folder(self, records):
        folder = new_folder()
        (folder / "audit.jsonl").write_text("".join(
            json.dumps(record) + "\n" for record in records))
        return folder


    def test_every_kind_of_attacker_is_planned_and_its_deed_known(self):
        self.assertEqual(set(ATTACKS), set(attacks.ATTACKS))
        self.assertEqual(set(attacks.DEEDS), set(ATTACKS))

    def test_an_attack_that_was_none_and_a_record_that_is_missing_are_told(self):
        refusal = {"event": "refusal", "identity": "dns:filler.example", "limit": "--max-identity-sessions"}
        for told, records, words in (
            (1, [refusal], None), (3, [{**refusal, "omitted_before": 2}], None),
            (3, [refusal, {"event": "omission", "identity": "dns:filler.example", "records": 2}], None),
            (3, [refusal, {"event": "reload", "lost_before": 2}], None),
            (2, [refusal], "filler was refused 2 times"), (0, [refusal], "filler was no attack"),
            (1, [{**refusal, "limit": None}], "as many sessions"),
            (1, [refusal, {"event": "reply", "identity": "dns:guest-1.example", "omitted_before": 1}],
             "1 records of dns:guest-1.example were left out"),
        ):
            with self.subTest(told=told, records=records):
                self.ledger.complaints.clear()
                self.ledger.attacks.clear()
                for kind, deed in attacks.DEEDS.items():
                    self.ledger.attacked(kind, {deed: told if kind == "filler" else 1})
                # The other who asks for refusals has one of them recorded.
                records = [*records, {"event": "refusal", "identity": "dns:dearest.example"}]
                Trail(self.folder(records), self.ledger.complain).check_attacks(self.ledger)
                self.assertComplaints(*([words] if words else []))


class EchoingGuest(Guest):
    """Asks for nothing but echoes."""

    def some(self, dice):
        return self.an_echo(dice)


class FalseServers(unittest.TestCase):
    """A good client's books, held against servers that do what none may."""

    def setUp(self):
        self.ledger = Ledger(Windows(), 0, say=lambda line: None)
        self.port = None
        patience = mock.patch.object(remote, "PATIENCE", 1.0)
        patience.start()
        self.addCleanup(patience.stop)

    @property
    def house(self):
        """What a guest asks of the house."""
        certificates = Versions(encoded(authority.good() / "server.pem"))
        house = mock.MagicMock(ledger=self.ledger, server_certificates=certificates)
        house.certificate = lambda name: authority.good() / "client"
        house.__getitem__.return_value = types.SimpleNamespace(port=self.port)
        house.stopping.is_set.return_value = False
        return house

    def serve(self, treat):
        """A server of echoes; `treat` gets the answers to a batch and gives those to send."""
        def handle(connection):
            decoder = Decoder(FROM_CLIENT)
            while chunk := connection.recv(65_536):
                decoder.feed(chunk)
                if answers := echoes(decoder):
                    connection.sendall(b"".join(treat(answers)))
            connection.unwrap()
        context = server_context(client_ca=authority.good() / "ca.pem")
        context.set_alpn_protocols([ALPN])
        self.port = Stub(self, handle, context).port

    def batch(self, name="guest", seed=1):
        guest = EchoingGuest(name, self.house)
        guest.guarded("batch", lambda: guest.batch(random.Random(seed)))
        guest.guarded("leave", guest.leave)
        self.ledger.close()

    def assertTold(self, *words):
        told = " ".join(self.ledger.complaints)
        for word in words:
            self.assertIn(word, told)

    def test_an_honest_server_is_no_complaint(self):
        self.serve(lambda answers: answers)
        self.batch()
        self.assertEqual(self.ledger.complaints, [])
        self.assertEqual({request.outcome for request in self.ledger.requests}, {RIGHT})

    def test_an_answer_that_is_lost_is_told(self):
        self.serve(lambda answers: answers[:-1])
        self.batch()
        self.assertTold("is lost")

    def test_an_answer_that_is_lost_before_others_is_told(self):
        self.serve(lambda answers: answers[1:])
        self.batch()
        self.assertTold("out of order", "is lost")

    def test_an_answer_that_comes_twice_is_told(self):
        self.serve(lambda answers: answers[:1] + answers)
        self.batch()
        self.assertTold("doubled, of guest")

    def test_a_last_answer_that_comes_twice_is_told(self):
        self.serve(lambda answers: answers + answers[-1:])
        self.batch()
        self.assertEqual({request.outcome for request in self.ledger.requests}, {RIGHT})
        self.assertEqual(len(self.ledger.complaints), 1, self.ledger.complaints)

    def test_an_answer_of_another_session_is_told(self):
        kept = []

        def cross(answers):
            kept.append(answers)
            return kept[0][:len(answers)]
        self.serve(cross)
        self.batch("guest", 1)
        self.assertEqual(self.ledger.complaints, [])
        self.batch("other", 2)
        self.assertTold("crossed from guest's program")

    def test_an_answer_that_is_cut_is_told(self):
        self.serve(lambda answers: [answers[0].replace(b"t", b"", 1), *answers[1:]])
        self.batch()
        self.assertTold("guest")

    def test_an_end_in_place_of_an_answer_is_told(self):
        def end(answers):
            raise ConnectionError
        self.serve(end)
        self.batch()
        self.assertTold("failed outside of any window")
        self.assertIn(FAILED, {request.outcome for request in self.ledger.requests})

    def test_messages_that_are_wrong_doubled_or_missing_are_told(self):
        for reply, word in ((b"Hello from server", None), (b"Hello", "wrong answer"),
                            (b"", "in place of a reply"),
                            (b"Hello from serverHello from server", "wrong answer")):
            with self.subTest(reply):
                self.ledger.complaints.clear()
                self.port = Stub(self, answer(reply)).port
                messenger = Messenger("messenger", self.house)
                messenger.guarded("hello", lambda: messenger.plaintext_hello(None))
                self.ledger.close()
                self.assertEqual(bool(self.ledger.complaints), word is not None)
                self.assertTold(word or "")


def echoes(decoder):
    """The answers to the runs that have come."""
    answers = []
    for _, payload in decoder:
        name, argument = texts(payload)
        assert name == b"echo", payload
        answers.append(frame(OUTPUT, argument + b"\n") + exited(0))
    return answers


if __name__ == "__main__":
    unittest.main()
