# SPDX-License-Identifier: Apache-2.0
"""Other programs that run commands on a server, each as a server of its own on the loopback."""

import getpass
import os
import pathlib
import subprocess

from processes import PATIENCE, Unavailable, accepts, free_port, installed
from servers import Server


def say(*command):
    """Runs a program that prepares a peer."""
    said = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", timeout=PATIENCE, check=False)
    if said.returncode:
        lines = said.stdout.strip().splitlines()
        raise Unavailable(f"{pathlib.Path(command[0]).name}: {lines[-1] if lines else said.returncode}")


class Sshd(Server):
    """OpenSSH with keys made on the spot, for the user who measures."""

    name = "ssh"

    def start(self):
        keygen = installed("ssh-keygen", "openssh-client")
        installed("ssh", "openssh-client")
        sshd = installed("sshd", "openssh-server")
        for key in ("host", "user"):
            say(keygen, "-q", "-t", "ed25519", "-N", "", "-f", self.work / key)
        (self.work / "user.pub").rename(self.work / "authorized")
        port = free_port()
        privileged = os.geteuid() == 0 and not os.path.isdir("/run/sshd")
        if privileged:  # Where its process that reads the network has its root; it insists on this one.
            os.mkdir("/run/sshd", 0o755)
        (self.work / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1:{port}\nHostKey {self.work}/host\nPidFile none\nStrictModes no\nUsePAM no\n"
            f"AuthorizedKeysFile {self.work}/authorized\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
            "PermitRootLogin yes\nPrintMotd no\nPrintLastLog no\nX11Forwarding no\nUseDNS no\nLogLevel ERROR\n"
            "MaxSessions 100\n")
        words = (self.work / "host.pub").read_text().split()[:2]
        (self.work / "known").write_text(f"[127.0.0.1]:{port} {' '.join(words)}\n")
        (self.work / "config").write_text(
            f"HostName 127.0.0.1\nPort {port}\nUser {getpass.getuser()}\nIdentityFile {self.work}/user\n"
            f"IdentitiesOnly yes\nUserKnownHostsFile {self.work}/known\nGlobalKnownHostsFile /dev/null\n"
            "StrictHostKeyChecking yes\nBatchMode yes\nLogLevel ERROR\nCiphers aes256-gcm@openssh.com\n")
        # It starts itself again by its whole path.
        process = self.run(sshd, "-D", "-e", "-f", self.work / "sshd_config")
        process.wait_for(lambda: accepts(port))
        return port

    def client(self, *command):
        return [installed("ssh"), "-F", self.work / "config", *self.connection(), "parley-bench", *command]

    def connection(self):
        return ["-o", "ControlPath=none"]
