# SPDX-License-Identifier: Apache-2.0
"""Other programs that run commands on a server, each as a server of its own on the loopback."""

import atexit
import getpass
import grp
import os
import pathlib
import pwd
import subprocess

from processes import PATIENCE, Process, Unavailable, accepts, free_port, installed
from servers import Server

CONFINED = "/run/sshd"
"""The root folder of the process with which root's sshd reads the network. No other will do, and its service makes
it."""


def say(*command, env=None):
    """Runs a program that prepares a peer."""
    said = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", timeout=PATIENCE, check=False, env=env)
    if said.returncode:
        lines = said.stdout.strip().splitlines()
        raise Unavailable(f"{pathlib.Path(command[0]).name}: {lines[-1] if lines else said.returncode}")


class Sshd(Server):
    """OpenSSH with keys made on the spot, for the user who measures."""

    name = "ssh"
    environment = None
    """Its clients', where that isn't this process's."""

    def start(self):
        keygen = installed("ssh-keygen", "openssh-client")
        installed("ssh", "openssh-client")
        sshd = installed("sshd", "openssh-server")
        for key in ("host", "user"):
            say(keygen, "-q", "-t", "ed25519", "-N", "", "-f", self.work / key)
        (self.work / "user.pub").rename(self.work / "authorized")
        port = free_port()
        if os.geteuid() == 0 and not os.path.isdir(CONFINED):
            os.mkdir(CONFINED, 0o755)
            atexit.register(os.rmdir, CONFINED)
        (self.work / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1:{port}\nHostKey {self.work}/host\nPidFile none\nStrictModes no\nUsePAM no\n"
            f"AuthorizedKeysFile {self.work}/authorized\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
            "PermitRootLogin yes\nPrintMotd no\nPrintLastLog no\nX11Forwarding no\nUseDNS no\nLogLevel ERROR\n"
            # The user's shell would read what the user has it do, which is no cost of ssh's.
            f"SetEnv HOME={self.work}\n")
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

    @property
    def helping(self):
        """What works for the client and stays."""
        return []


class SshMaster(Sshd):
    """The same over one connection that stays open."""

    name = "ssh, open ControlMaster"

    def start(self):
        port = super().start()
        master = Process([installed("ssh"), "-F", self.work / "config", "-M", "-N", *self.connection(), "parley-bench"],
                         self.bench.machine.load, self.work / "master.log")
        self.processes.append(master)
        master.wait_for(lambda: os.path.exists(self.work / "m"))
        return port

    def connection(self):
        return ["-o", f"ControlPath={self.work}/m"]

    @property
    def helping(self):
        return self.processes[1:]


class Nrpe(Server):
    """With certificates on both sides. A command without output is an error to it, and it knows no other port."""

    name = "check_nrpe"
    helping = ()
    environment = None

    def start(self):
        self.checker = installed("/usr/lib/nagios/plugins/check_nrpe", "nagios-nrpe-plugin")
        nrpe = installed("nrpe", "nagios-nrpe-server")
        port = free_port()
        user = "nobody" if os.geteuid() == 0 else getpass.getuser()
        group = grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name
        (self.work / "nrpe.cfg").write_text(
            f"server_address=127.0.0.1\nserver_port={port}\nallowed_hosts=127.0.0.1\npid_file={self.work}/pid\n"
            f"nrpe_user={user}\nnrpe_group={group}\nlog_file={self.work}/nrpe.log\nssl_version=TLSv1.2+\n"
            f"ssl_cert_file={self.certs}/server.pem\nssl_privatekey_file={self.certs}/server.key\n"
            f"ssl_cacert_file={self.certs}/ca.pem\nssl_client_certs=2\nssl_use_adh=0\ncommand[true]=/bin/echo\n")
        process = self.run(nrpe, "-c", self.work / "nrpe.cfg", "-f")
        process.wait_for(lambda: accepts(port))
        return port

    def client(self, *_):
        return [self.checker, "-H", "127.0.0.1", "-p", self.port, "-D", "-d", "0", "-S", "TLSv1.2+", "-c", "true",
                "-A", f"{self.certs}/ca.pem", "-C", f"{self.certs}/client.pem", "-K", f"{self.certs}/client.key"]


class Remctl(Server):
    """With a Kerberos realm of its own, and a ticket that was got before."""

    name = "remctl"
    helping = ()
    environment = None

    def start(self):
        self.remctl = installed("remctl", "remctl-client")
        remctld = installed("remctld", "remctl-server")
        kdc_port, port = free_port(), free_port()
        (self.work / "krb5.conf").write_text(
            "[libdefaults]\ndefault_realm = BENCH.TEST\ndns_lookup_kdc = false\ndns_lookup_realm = false\n"
            "dns_canonicalize_hostname = false\nrdns = false\n"
            f"[realms]\nBENCH.TEST = {{\nkdc = 127.0.0.1:{kdc_port}\n}}\n")
        (self.work / "kdc.conf").write_text(
            f"[kdcdefaults]\nkdc_listen = 127.0.0.1:{kdc_port}\nkdc_tcp_listen = 127.0.0.1:{kdc_port}\n"
            f"[realms]\nBENCH.TEST = {{\ndatabase_name = {self.work}/principal\nkey_stash_file = {self.work}/stash\n"
            f"acl_file = {self.work}/acl\n}}\n[logging]\nkdc = FILE:{self.work}/kdc.log\n")
        (self.work / "remctl.conf").write_text("bench true /bin/true ANYUSER\n")
        self.environment = {
            **os.environ, "KRB5_CONFIG": f"{self.work}/krb5.conf", "KRB5_KDC_PROFILE": f"{self.work}/kdc.conf",
            "KRB5CCNAME": f"FILE:{self.work}/tickets", "KRB5_KTNAME": f"FILE:{self.work}/server.keytab"}
        kadmin = installed("kadmin.local", "krb5-admin-server")
        say(installed("kdb5_util", "krb5-kdc"), "create", "-s", "-P", os.urandom(16).hex(), env=self.environment)
        for name, keytab in (("host/localhost", "server"), ("client", "client")):
            say(kadmin, "addprinc", "-randkey", name, env=self.environment)
            say(kadmin, "ktadd", "-k", self.work / f"{keytab}.keytab", name, env=self.environment)
        kdc = self.run(installed("krb5kdc", "krb5-kdc"), "-n", log="kdc", env=self.environment)
        kdc.wait_for(lambda: accepts(kdc_port))
        say(installed("kinit", "krb5-user"), "-k", "-t", self.work / "client.keytab", "client", env=self.environment)
        server = self.run(
            remctld, "-m", "-F", "-S", "-b", "127.0.0.1", "-p", port, "-f", self.work / "remctl.conf", "-P",
            self.work / "pid", "-s", "host/localhost", env=self.environment)
        server.wait_for(lambda: accepts(port))
        return port

    def client(self, *_):
        return [self.remctl, "-s", "host/localhost", "-p", self.port, "127.0.0.1", "bench", "true"]
