# SPDX-License-Identifier: Apache-2.0
"""The run's certificates: good ones from the project's script, bad ones named for their fault."""

import base64
import functools
import hashlib
import pathlib
import subprocess

from support import LIMIT, REPOSITORY, SCRATCH

CONFIGURATION = """
[ca]
default_ca = authority
[authority]
database = {folder}/index.txt
new_certs_dir = {folder}
rand_serial = yes
unique_subject = no
default_md = sha256
policy = anything
default_crl_days = 30
[anything]
commonName = supplied
[req]
distinguished_name = nobody
prompt = no
[nobody]
CN = localhost
[extensions]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
authorityKeyIdentifier = keyid
subjectKeyIdentifier = hash
extendedKeyUsage = {purpose}
{names}
"""

LOCAL = "DNS:localhost,IP:127.0.0.1,IP:::1"
BOTH_ROLES = "serverAuth,clientAuth"


def openssl(*arguments):
    subprocess.run(
        ["openssl", *map(str, arguments)], check=True, timeout=LIMIT, capture_output=True,
        stdin=subprocess.DEVNULL)


@functools.lru_cache(maxsize=None)
def good(name="certs"):
    """A folder as the script makes it; another `name` is another authority."""
    folder = SCRATCH / name
    subprocess.run(
        [REPOSITORY / "scripts" / "generate-certs", "--out", folder,
         "--client", "client", "--client", "alice=email:alice@example.org"],
        check=True, timeout=LIMIT, cwd=SCRATCH, stdout=subprocess.DEVNULL)
    return folder


@functools.lru_cache(maxsize=None)
def bad():
    """A folder with a pair NAME.pem and NAME.key for each fault, `crl.pem` and `crl-before.pem`.

    But for the fault named, each certificate would do at both ends of a local connection.
    """
    folder = SCRATCH / "bad"
    folder.mkdir()
    (folder / "index.txt").touch()
    issue(folder, "nothing-wrong")
    issue(folder, "expired", dates=("20200101000000Z", "20200201000000Z"))
    issue(folder, "not-yet-valid", dates=("20900101000000Z", "20900201000000Z"))
    issue(folder, "wrong-name", names="DNS:other.example,DNS:another.example,IP:192.0.2.7")
    issue(folder, "wrong-purpose", purpose="codeSigning")
    issue(folder, "no-san", names="")
    issue(folder, "other-ca", authority=good("other"))
    issue(folder, "revoked")
    revoke(folder, "revoked")
    openssl("req", "-x509", "-new", "-key", folder / "revoked.key", "-days", 30,
            "-subj", "/CN=localhost", "-addext", f"subjectAltName={LOCAL}",
            "-out", folder / "self-signed.pem")
    copy(folder / "revoked.key", folder / "self-signed.key")
    break_files(folder)
    return folder


def issue(folder, name, *, authority=None, names=LOCAL, purpose=BOTH_ROLES, dates=None):
    authority = authority or good()
    configuration = folder / f"{name}.conf"
    configuration.write_text(CONFIGURATION.format(
        folder=folder, purpose=purpose, names=f"subjectAltName = {names}" if names else ""))
    validity = ("-startdate", dates[0], "-enddate", dates[1]) if dates else ("-days", 30)
    new_key(folder / f"{name}.key")
    openssl("req", "-new", "-config", configuration, "-key", folder / f"{name}.key",
            "-out", folder / f"{name}.csr")
    openssl("ca", "-batch", "-notext", "-config", configuration, "-extensions", "extensions",
            "-cert", authority / "ca.pem", "-keyfile", authority / "ca.key", *validity,
            "-in", folder / f"{name}.csr", "-out", folder / f"{name}.pem")


def revoke(folder, name):
    signing = ("-config", folder / f"{name}.conf", "-cert", good() / "ca.pem",
               "-keyfile", good() / "ca.key")
    openssl("ca", *signing, "-gencrl", "-out", folder / "crl-before.pem")
    openssl("ca", *signing, "-revoke", folder / f"{name}.pem")
    openssl("ca", *signing, "-gencrl", "-out", folder / "crl.pem")


def break_files(folder):
    """Pairs that fail before any handshake; the certificate of each is a good one."""
    whole, key = folder / "nothing-wrong.pem", folder / "nothing-wrong.key"
    for name in ("key-mismatch", "encrypted-key", "readable-key", "missing-key", "empty-key",
                 "garbled-key"):
        copy(whole, folder / f"{name}.pem")
    for name in ("missing", "empty", "garbled"):
        copy(key, folder / f"{name}.key")
    new_key(folder / "key-mismatch.key")
    openssl("pkey", "-in", key, "-aes256", "-passout", "pass:secret",
            "-out", folder / "encrypted-key.key")
    (folder / "encrypted-key.key").chmod(0o600)
    copy(key, folder / "readable-key.key").chmod(0o644)
    for empty in ("empty.pem", "empty-key.key"):
        write(folder / empty, "")
    for garbled in ("garbled.pem", "garbled-key.key"):
        write(folder / garbled, "this is no PEM\n")


def new_key(path):
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)
    path.chmod(0o600)


def copy(source, target):
    return write(target, pathlib.Path(source).read_text())


def write(path, text):
    path.write_text(text)
    path.chmod(0o600)
    return path


def pin(certificate):
    """The public-key hash of a certificate, in the form that curl takes."""
    key = subprocess.run(
        ["openssl", "x509", "-in", certificate, "-noout", "-pubkey"],
        check=True, timeout=LIMIT, capture_output=True).stdout
    lines = key.decode().strip().splitlines()[1:-1]
    digest = hashlib.sha256(base64.b64decode("".join(lines))).digest()
    return "sha256//" + base64.b64encode(digest).decode()
