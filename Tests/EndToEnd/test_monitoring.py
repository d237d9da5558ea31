# SPDX-License-Identifier: Apache-2.0
"""The metrics as others see them: promtool, node_exporter, the alerts, the dashboard and the page about them."""

import json
import re
import signal
import subprocess
import urllib.request

from conditions import needs
from parley1 import UNKNOWN
from remote_server import REPLIES, TableServer, program
from support import LIMIT, REPOSITORY, Program, TestCase, eventually, new_folder
from test_metrics import LABEL, SAMPLE, samples

MONITORING = REPOSITORY / "packaging" / "monitoring"
RULES, DASHBOARD = MONITORING / "parley-alerts.yml", MONITORING / "parley-dashboard.json"
PAGE = REPOSITORY / "docs" / "metrics.md"
NAME = re.compile(r"\bparley_\w+")
BOARD = {"annotations", "description", "editable", "fiscalYearStartMonth", "graphTooltip", "links", "liveNow", "panels",
         "refresh", "schemaVersion", "style", "tags", "templating", "time", "timepicker", "timezone", "title", "uid",
         "version", "weekStart"}
"""What a dashboard can have, by Grafana's schema (kinds/dashboard)."""
PANEL = {"datasource", "description", "fieldConfig", "gridPos", "id", "options", "targets", "title", "transformations",
         "type"}
STRANGE = 'a"b\\c é'
"""A command's name that takes escapes."""


class Monitoring(TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = new_folder()
        cls.file = cls.folder / "metrics.prom"

    def setUp(self):
        """A server that has had a little of everything, while it runs."""
        commands = {**REPLIES, "true": program("/bin/true"), STRANGE: program("/bin/false"),
                    "one": program("/bin/true")}
        self.server = TableServer(self, commands, "--metrics", self.file)
        session = self.server.session(self)
        session.ask("true")
        session.ask("one")
        session.ask(STRANGE)
        session.ask("Hello")
        self.assertEqual(session.ask("nope").code, UNKNOWN)
        session.stream.unwrap().close()
        del commands["one"]
        self.server.replace(commands)
        eventually(lambda: "parley_command_seconds_sum" in self.file.read_text(), "the metrics after the reload")

    def names(self):
        """Every series' name."""
        return {key[0] for key in samples(self.file.read_text())} | {
            # There is no CRL here.
            "parley_crl_next_update_timestamp_seconds"}

    def families(self):
        return set(re.findall(r"(?m)^# TYPE (\w+) ", self.file.read_text()))

    def promtool(self, *words, stdin=None):
        with open(stdin or "/dev/null", "rb") as given:
            ended = subprocess.run(["promtool", *map(str, words)], stdin=given, capture_output=True, text=True,
                                   timeout=LIMIT, check=False)
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        return ended.stdout + ended.stderr

    @needs("promtool")
    def test_promtool_has_nothing_against_the_metrics(self):
        self.assertEqual(self.promtool("check", "metrics", stdin=self.file), "")
        self.assertEqual(samples(self.file.read_text())["parley_command_failures_total", r'a\"b\\c é'], 1)

    @needs("promtool")
    def test_promtool_has_nothing_against_the_alerts(self):
        self.assertIn("5 rules found", self.promtool("check", "rules", RULES))
        self.promtool("test", "rules", MONITORING / "parley-alerts-test.yml")

    @needs("promtool")
    def test_every_query_of_the_dashboard_can_be_read(self):
        rules = [{"record": f"panel:{number}", "expr": re.sub(r"\$__\w+", "5m", query)}
                 for number, query in enumerate(self.queries())]
        file = new_folder() / "rules.json"  # Which is YAML as well.
        file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
        self.assertIn(f"{len(rules)} rules found", self.promtool("check", "rules", file))

    @staticmethod
    def panels():
        return json.loads(DASHBOARD.read_text())["panels"]

    def queries(self):
        return [target["expr"] for panel in self.panels() for target in panel["targets"]]

    def test_alerts_and_dashboard_name_metrics_that_there_are(self):
        for file in (RULES, MONITORING / "parley-alerts-test.yml", DASHBOARD):
            named = set(NAME.findall(file.read_text()))
            self.assertGreater(len(named), 5)
            self.assertEqual(named - self.names(), set(), file)
        alerts = set(re.findall(r"- alert: (\w+)", RULES.read_text()))
        tested = set(re.findall(r"alertname: (\w+)", (MONITORING / "parley-alerts-test.yml").read_text()))
        self.assertEqual(alerts, tested)

    def labels(self):
        """Those of each series' name, and what Prometheus adds to all of them."""
        found = {"parley_crl_next_update_timestamp_seconds": {"issuer"}}
        for line in self.file.read_text().splitlines():
            if not line.startswith("#"):
                name, labels, _ = SAMPLE.match(line).groups()
                found.setdefault(name, set()).update(pair[0] for pair in LABEL.findall(labels or ""))
        return {name: labels | {"instance", "job"} for name, labels in found.items()}

    @staticmethod
    def used_labels(query, words):
        """What an expression groups or selects by, and the legend or the sentence of its result names."""
        used = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", query))
        for group in re.findall(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)", query):
            used |= set(re.findall(r"\w+", group))
        named = set(re.findall(r"\$labels\.(\w+)", words)) | set(re.findall(r"\{\{(\w+)\}\}", words))
        return used | named

    def test_alerts_and_dashboard_use_labels_that_their_metrics_have(self):
        labels = self.labels()
        rules = [(rule.partition("labels:")[0], rule.partition("annotations:")[2])
                 for rule in RULES.read_text().split("- alert: ")[1:]]
        uses = rules + [(target["expr"], target["legendFormat"])
                        for panel in self.panels() for target in panel["targets"]]
        self.assertGreater(len(uses), 20)
        for query, words in uses:
            there = set().union(*(labels[name] for name in NAME.findall(query)))
            used = self.used_labels(query, words)
            self.assertIn("instance", used)
            self.assertEqual(used - there, set(), query)

    def test_the_dashboard_has_the_shape_that_grafana_takes(self):
        board = json.loads(DASHBOARD.read_text())
        # Grafana gives it a number of its own.
        self.assertLessEqual(board.keys(), BOARD)
        self.assertRegex(board["uid"], r"\A[a-z-]{8,40}\Z")
        self.assertGreaterEqual(board["schemaVersion"], 36)
        variables = {variable["name"] for variable in board["templating"]["list"]}
        taken = set()
        for panel in board["panels"]:
            self.assertLessEqual(panel.keys(), PANEL)
            self.assertLessEqual(panel["fieldConfig"]["defaults"].keys(), {"unit", "mappings", "thresholds"})
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24)
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                     for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(taken & cells, panel["title"])
            taken |= cells
            self.assertIn(panel["type"], ("stat", "timeseries", "table"))
            self.assertEqual(panel["datasource"], {"type": "prometheus", "uid": "${datasource}"})
            self.assertEqual(len({target["refId"] for target in panel["targets"]}), len(panel["targets"]))
            self.assertTrue(all(target["refId"] and target["datasource"] == panel["datasource"]
                                for target in panel["targets"]))
            used = set(re.findall(r"\$\{?([a-z]\w*)", json.dumps(panel)))
            self.assertLessEqual(used, variables)
        self.assertEqual(len({panel["id"] for panel in board["panels"]}), len(board["panels"]))
        kinds = {variable["name"]: variable["type"] for variable in board["templating"]["list"]}
        self.assertEqual(kinds["datasource"], "datasource")  # So that an import asks for none (__inputs).

    def test_the_page_has_every_metric_with_its_type_and_no_other(self):
        documented = dict(re.findall(r"(?m)^\| `(parley_\w+)` \| (\w+) \|", PAGE.read_text()))
        self.assertEqual(documented, dict(re.findall(r"(?m)^# TYPE (\w+) (\w+)$", self.file.read_text())))

    def test_every_kind_of_failed_handshake_is_a_label(self):
        """Or happens at clients only, or later."""
        elsewhere = {
            "wrongHost", "pinMismatch", "leftWithoutAWord", "addressInUse", "addressUnavailable", "unknownHost",
            "refused", "unreachable", "connectTimedOut", "idleTimedOut", "closeTimedOut", "peerSpeaksTLS",
            "unusableKey",
        }
        files = ("TLS/TLSCodes", "Sockets/ProxyHeader", "Sockets/StreamError", "parleyd/Closing")
        defined = {code for name in files
                   for code in re.findall(r"static var \w+: Self \{\s+Self\(rawValue: \"(\w+)\"\)\s+\}",
                                          (REPOSITORY / f"Sources/{name}.swift").read_text())}
        self.assertGreater(len(defined), 40)
        labels = {key[1] for key in samples(self.file.read_text()) if key[0] == "parley_handshake_failures_total"}
        self.assertEqual(defined - elsewhere, labels - {"other"})

    @needs("prometheus-node-exporter")
    def test_node_exporter_passes_them_on(self):
        folder = new_folder()
        # As docs/metrics.md advises.
        (folder / "parley.prom").symlink_to(self.file)
        exporter = Program(self, [
            "prometheus-node-exporter", "--collector.disable-defaults", "--collector.textfile",
            f"--collector.textfile.directory={folder}", "--web.listen-address=127.0.0.1:0"])
        port = exporter.stderr.expect(r'msg="Listening on" address=127\.0\.0\.1:(\d+)')[1]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=LIMIT) as answer:
            text = answer.read().decode()
        self.assertIn("node_textfile_scrape_error 0\n", text)
        passed = samples("".join(line for line in text.splitlines(True) if line.startswith("parley_")))
        self.assertEqual(passed.keys(), samples(self.file.read_text()).keys())
        self.assertEqual(passed["parley_commands_total", "true", "exit"], 1)
        exporter.signal(signal.SIGTERM)
