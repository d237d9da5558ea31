#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Ansible's module for a command of a Parley server."""

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

try:
    import parley_client
except ImportError:
    parley_client = None

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
    description: The program's input, if it takes any.
    type: str
  timeout:
    description: Seconds after which the command is cancelled, which is a failure.
    type: float
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
    description: The name to verify, if it is not the host.
    type: str
  certs:
    description: The directory with ca.pem, client.pem and client.key, by default ~/.config/parley, then /etc/parley.
    type: path
  ca: {description: "The CAs to trust.", type: path}
  cert: {description: "The client certificate.", type: path}
  key: {description: "Its key.", type: path}
"""

EXAMPLES = """
- name: See how full the disk is
  parley_command: {host: "{{ inventory_hostname }}", argv: [disk, /], read_only: true}

- name: Restart the service, unless it runs
  parley_command:
    host: "{{ inventory_hostname }}"
    argv: [restart, web]
    unless: [is-running, web]
"""

RETURN = """
outcome: {description: "How it ended: exit, refused, cut-short, …, as in docs/audit.md.", type: str, returned: unless skipped}
rc: {description: The exit status that C(parley run) would have., type: int, returned: unless skipped}
code: {description: "Why it was refused, such as notAllowed.", type: str, returned: if refused}
stdout: {description: Standard output., type: str, returned: unless skipped}
stderr: {description: Standard error., type: str, returned: unless skipped}
msg: {description: "A sentence that names the host.", type: str, returned: unless it succeeded}
"""

FAILURE = 255
STATUSES = {"time-out": 251, "output-limit": 251, "left-running": 252, "cut-short": 252, "refused": 253,
            "not-trusted": 254}


def status(outcome):
    """parley's exit status for it."""
    if isinstance(outcome, parley_client.Exited):
        return outcome.status
    if isinstance(outcome, parley_client.Signaled):
        return 128 + outcome.signal
    return STATUSES[outcome.name]


def fields(result):
    """What is registered of a result."""
    found = {"outcome": result.outcome.name, "rc": status(result.outcome),
             "stdout": result.stdout.decode("utf-8", "replace"), "stderr": result.stderr.decode("utf-8", "replace")}
    if isinstance(result.outcome, parley_client.Refused):
        found["code"] = result.outcome.code
    return found


def main():
    path = {"type": "path"}
    module = AnsibleModule(supports_check_mode=True, argument_spec={
        "argv": {"type": "list", "elements": "str", "required": True},
        "host": {"type": "str", "required": True}, "port": {"type": "int"}, "stdin": {"type": "str"},
        "timeout": {"type": "float"}, "unless": {"type": "list", "elements": "str"},
        "read_only": {"type": "bool", "default": False}, "server_name": {"type": "str"},
        "certs": path, "ca": path, "cert": path, "key": {"type": "path", "no_log": False}})
    if parley_client is None:
        module.fail_json(msg=missing_required_lib("parley-client"))
    given = module.params
    host, skips = given["host"], module.check_mode and not given["read_only"]
    where = {name: given[name] for name in ("port", "server_name", "certs", "ca", "cert", "key")}
    try:
        if skips and not given["unless"]:
            module.exit_json(changed=True, skipped=True, msg=f"{host}: not run in check mode")
        with parley_client.connect(host, **where) as session:
            if given["unless"]:
                test = session.run(*given["unless"], timeout=given["timeout"])
                if test.ok:
                    module.exit_json(
                        changed=False, msg=f"{host}: {given['unless'][0]} says that there is nothing to do",
                        **fields(test))
                if not isinstance(test.outcome, parley_client.Exited):
                    module.fail_json(msg=f"{host}: {given['unless'][0]}: {test.outcome}", **fields(test))
            if skips:
                module.exit_json(changed=True, skipped=True, msg=f"{host}: not run in check mode")
            stdin = (given["stdin"] or "").encode()
            result = session.run(*given["argv"], input=stdin, timeout=given["timeout"])
    except parley_client.CommandTimeout as error:
        output = fields(error.result) if error.result else {"stdout": "", "stderr": ""}
        module.fail_json(msg=str(error), changed=not given["read_only"],
                         **{**output, "outcome": error.name, "rc": FAILURE})
    except parley_client.ParleyError as error:
        code = {"code": error.refusal.code} if isinstance(error, parley_client.SessionRefused) else {}
        module.fail_json(msg=str(error), outcome=error.name, rc=STATUSES.get(error.name, FAILURE), stdout="",
                         stderr="", **code)
    except ValueError as error:
        module.fail_json(msg=f"{host}: {error}", outcome="failed", rc=FAILURE, stdout="", stderr="")
    started = not isinstance(result.outcome, parley_client.Refused)
    found = {"changed": started and not given["read_only"], **fields(result)}
    if not result.ok:
        module.fail_json(msg=f"{host}: {given['argv'][0]}: {result.outcome}", **found)
    module.exit_json(**found)


if __name__ == "__main__":
    main()
