#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Ansible's module for a command of a Parley server."""

from __future__ import annotations

import contextlib
import errno
import filecmp
import os
import tempfile
import traceback
from typing import Any, BinaryIO, Dict, List, Optional

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

IMPORT_ERROR: Optional[str] = None
try:
    import parley_client
except ImportError:
    IMPORT_ERROR = traceback.format_exc()

DOCUMENTATION = """
module: parley_command
short_description: Run a command of a Parley server
description:
  - Runs a command that a C(parleyd) allows, over mutual TLS, from the machine where the module runs.
    Let that be the controller, with C(connection=local) or C(delegate_to=localhost); the servers need no Python.
  - A certificate and a name that do not fit are failures; nothing turns verification off.
requirements: [parley-client, Python 3.9 or later]
options:
  argv:
    description: The command and its arguments, exactly as the server gets them; no shell is involved.
    type: list
    elements: str
    required: true
  host:
    description: The server, as HOST, HOST:PORT or [IPV6]:PORT.
    type: str
    required: true
  port:
    description: The server's port, if I(host) has none and it is not 12345.
    type: int
  stdin:
    description: The program's input, if it takes any. Not together with I(stdin_file).
    type: str
  stdin_file:
    description: A file with the program's input, of any content and size, where the module runs.
    type: path
  stdout_file:
    description: A file that gets standard output, of any content and size, where the module runs.
      Only a command that succeeds replaces it, and only as a whole; its mode is then 0600.
      The task has changed something if the file has changed.
    type: path
  timeout:
    description: Seconds after which the command is cancelled, which is a failure. It does not include connecting.
    type: float
  connect_timeout:
    description: Seconds that connecting may take, and then TLS's handshake.
    type: float
    default: 10
  idle_timeout:
    description: Seconds for which the server may be silent. It answers pings meanwhile, even if the program is silent.
    type: float
    default: 300
  keepalive:
    description: Pings a server that has been silent for this many seconds. 0 never does, and waits for ever.
    type: float
    default: 15
  unless:
    description: Another command, which changes nothing. If it ends with status 0, I(argv) is not run.
      It runs in check mode, too.
    type: list
    elements: str
  read_only:
    description: Whether the command changes nothing. It is then reported as unchanged, and runs in check mode, too.
    type: bool
    default: false
  server_name:
    description: The name to verify, if it is not the host; a DNS name, an address, or C(uri:) and a URI.
    type: str
  pin:
    description: The server's key must be one of these, each C(sha256//HASH), in addition to I(ca).
    type: list
    elements: str
  crl:
    description: CRLs in PEM. A server is refused if its certificate is revoked in one, or if its issuer has none there.
    type: path
  certs:
    description: The directory with ca.pem, client.pem and client.key, by default ~/.config/parley, then /etc/parley.
    type: path
  ca: {description: "The CAs to trust.", type: path}
  cert: {description: "The client certificate. Together with I(key).", type: path}
  key: {description: "Its key.", type: path}
  passphrase: {description: "The key's passphrase, if it has one.", type: str}
"""

EXAMPLES = """
- name: See how full the disk is
  parley_command: {host: "{{ inventory_hostname }}", argv: [disk, /], read_only: true}

- name: Restart the service, unless it runs
  parley_command:
    host: "{{ inventory_hostname }}"
    argv: [restart, web]
    unless: [is-running, web]

- name: Fetch a backup
  parley_command:
    host: "{{ inventory_hostname }}"
    argv: [backup]
    read_only: true
    stdout_file: "/srv/backups/{{ inventory_hostname }}.tar"
    timeout: 600
"""

RETURN = """
outcome: {description: "How it ended: exit, refused, cut-short, …, as in docs/audit.md; interrupted is I(timeout).",
          type: str, returned: unless skipped}
rc: {description: The exit status that C(parley run) would have., type: int, returned: unless skipped}
code: {description: "Why it was refused, such as notAllowed.", type: str, returned: if refused}
stdout: {description: "Standard output, unless I(stdout_file) has it.", type: str, returned: unless skipped}
stderr: {description: Standard error., type: str, returned: unless skipped}
stdout_lines: {description: The lines of standard output., type: list, elements: str, returned: unless skipped}
stderr_lines: {description: The lines of standard error., type: list, elements: str, returned: unless skipped}
msg: {description: "A sentence that names the host.", type: str, returned: if it failed or was not run}
"""

OPTIONS: Dict[str, Dict[str, Any]] = {
    "argv": {"type": "list", "elements": "str", "required": True},
    "host": {"type": "str", "required": True}, "port": {"type": "int"},
    "stdin": {"type": "str"}, "stdin_file": {"type": "path"}, "stdout_file": {"type": "path"},
    "timeout": {"type": "float"}, "connect_timeout": {"type": "float", "default": 10.0},
    "idle_timeout": {"type": "float", "default": 300.0}, "keepalive": {"type": "float", "default": 15.0},
    "unless": {"type": "list", "elements": "str"}, "read_only": {"type": "bool", "default": False},
    "server_name": {"type": "str"}, "pin": {"type": "list", "elements": "str", "no_log": False},
    "crl": {"type": "path"}, "certs": {"type": "path"}, "ca": {"type": "path"}, "cert": {"type": "path"},
    "key": {"type": "path", "no_log": False}, "passphrase": {"type": "str", "no_log": True}}
SESSION = ("port", "connect_timeout", "idle_timeout", "keepalive", "server_name", "pin", "crl", "certs", "ca", "cert",
           "key", "passphrase")
"""Those that `parley_client.connect` takes."""

FAILURE = 255
STATUSES = {"time-out": 251, "output-limit": 251, "left-running": 252, "cut-short": 252, "interrupted": 252,
            "refused": 253, "not-trusted": 254}


def status(outcome: parley_client.Outcome) -> int:
    """parley's exit status for it."""
    if isinstance(outcome, parley_client.Exited):
        return outcome.status
    if isinstance(outcome, parley_client.Signaled):
        return 128 + outcome.signal
    return STATUSES[outcome.name]


def fields(result: parley_client.Result) -> Dict[str, Any]:
    """What is registered of a result."""
    found: Dict[str, Any] = {
        "outcome": result.outcome.name, "rc": status(result.outcome),
        "stdout": result.stdout.decode("utf-8", "replace"), "stderr": result.stderr.decode("utf-8", "replace")}
    if isinstance(result.outcome, parley_client.Refused):
        found["code"] = result.outcome.code
    return found


def failure(name: str, result: Optional[parley_client.Result] = None) -> Dict[str, Any]:
    """What is registered where there is no outcome."""
    output = fields(result) if result else {"stdout": "", "stderr": ""}
    return {**output, "outcome": name, "rc": STATUSES.get(name, FAILURE)}


class Task:
    """One use of the module."""

    def __init__(self, module: AnsibleModule) -> None:
        self._module, self._given = module, module.params
        self._host: str = module.params["host"]
        self._may_have_changed = False

    def perform(self) -> None:
        """Ends with what is registered."""
        try:
            self._ask()
        except parley_client.CommandTimeout as error:
            self._fail(str(error), failure(error.name, error.result))
        except parley_client.ParleyError as error:
            if isinstance(error, (parley_client.NotTrusted, parley_client.SessionRefused)):
                self._may_have_changed = False
            code = {"code": error.refusal.code} if isinstance(error, parley_client.SessionRefused) else {}
            self._fail(str(error), {**failure(error.name), **code})
        except OSError as error:
            what = f"cannot use {error.filename}: {error.strerror}" if error.filename else error
            self._fail(f"{self._host}: {what}", failure("failed"))
        except ValueError as error:
            self._may_have_changed = False  # No request can have these words.
            self._fail(f"{self._host}: {error}", failure("failed"))

    def _ask(self) -> None:
        given = self._given
        skips = self._module.check_mode and not given["read_only"]
        if skips and not given["unless"]:
            self._skip()
        with contextlib.ExitStack() as files:
            stdin: Any = (given["stdin"] or "").encode()
            if given["stdin_file"]:
                stdin = files.enter_context(open(given["stdin_file"], "rb"))
            with parley_client.connect(self._host, **{name: given[name] for name in SESSION}) as session:
                if given["unless"]:
                    self._test(session, given["unless"])
                if skips:
                    self._skip()
                result = self._run(session, stdin)
        self._module.exit_json(changed=self._may_have_changed, **fields(result))

    def _test(self, session: parley_client.Session, words: List[str]) -> None:
        test = session.run(*words, timeout=self._given["timeout"])
        if test.ok:
            self._module.exit_json(
                changed=False, msg=f"{self._host}: {words[0]} says that there is nothing to do", **fields(test))
        if not isinstance(test.outcome, parley_client.Exited):
            self._fail(f"{self._host}: {words[0]}: {test.outcome}", fields(test))

    def _run(self, session: parley_client.Session, stdin: Any) -> parley_client.Result:
        path = self._given["stdout_file"]
        if path is None:
            return self._succeed(session, stdin, None)
        path = os.path.realpath(path)
        if os.path.isdir(path):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        # Beside the file first, so that it is replaced as a whole or not at all.
        descriptor, new = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".parley-")
        try:
            with open(descriptor, "wb") as file:
                result = self._succeed(session, stdin, file)
                file.flush()
                os.fsync(descriptor)
            if not (os.path.exists(path) and filecmp.cmp(new, path, shallow=False)):
                os.replace(new, path)
                self._may_have_changed = True
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(new)
        return result

    def _succeed(self, session: parley_client.Session, stdin: Any, stdout: Optional[BinaryIO]) -> parley_client.Result:
        """Run the command, and fail unless it succeeds."""
        words = self._given["argv"]
        self._may_have_changed = not self._given["read_only"]
        result = session.run(*words, input=stdin, timeout=self._given["timeout"], stdout=stdout)
        if isinstance(result.outcome, parley_client.Refused):
            self._may_have_changed = False
        if not result.ok:
            self._fail(f"{self._host}: {words[0]}: {result.outcome}", fields(result))
        return result

    def _skip(self) -> None:
        self._module.exit_json(changed=True, skipped=True, msg=f"{self._host}: not run in check mode")

    def _fail(self, sentence: str, found: Dict[str, Any]) -> None:
        self._module.fail_json(msg=sentence, changed=self._may_have_changed, **found)


def main() -> None:
    module = AnsibleModule(
        supports_check_mode=True, argument_spec=OPTIONS, mutually_exclusive=[("stdin", "stdin_file")],
        required_together=[("cert", "key")])
    if IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib("parley-client"), exception=IMPORT_ERROR)
    Task(module).perform()


if __name__ == "__main__":
    main()
