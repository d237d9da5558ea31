# SPDX-License-Identifier: Apache-2.0
"""The run's certificates: good ones from the project's script, bad ones named for their fault."""

import base64
import datetime
import functools
import hashlib
import pathlib
import subprocess
import tempfile

from support import LIMIT, REPOSITORY, SCRATCH

CONFIGURATION = """
[ca]
default_ca = authority
[authority]
database = {folder}/index.txt
new_certs_dir = {folder}
rand_serial = yes
unique_subject = no
default_md = default
policy = anything
default_crl_days = 30
[anything]
commonName = supplied
[req]
distinguished_name = somebody
prompt = no
[somebody]
CN = {subject}
[extensions]
{extensions}
"""

P256 = "EC -pkeyopt ec_paramgen_curve:P-256"
LOCAL = "DNS:localhost,IP:127.0.0.1,IP:::1"
BOTH_ROLES = "serverAuth,clientAuth"


def openssl(*arguments, **how):
    """What openssl says on its standard output."""
    how.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run(
        ["openssl", *map(str, arguments)], check=True, timeout=LIMIT, capture_output=True,
        **how).stdout


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


def issue(folder, name, *, authority=None, names=LOCAL, purpose=BOTH_ROLES, dates=None, key=P256):
    """NAME.pem and NAME.key of an end, signed by the CA in the folder `authority`, else the good one."""
    extensions = [
        "basicConstraints = critical,CA:FALSE", "keyUsage = critical,digitalSignature",
        "authorityKeyIdentifier = keyid", "subjectKeyIdentifier = hash",
        f"extendedKeyUsage = {purpose}", *([f"subjectAltName = {names}"] if names else [])]
    sign(folder, name, (authority or good()) / "ca", extensions, dates=dates, key=key)


def issue_ca(folder, name, *, issuer=None, extensions=None, end="20991231000000Z", key=P256):
    """NAME.pem and NAME.key of a CA: a root, or an intermediate of `issuer`. Nothing else is left."""
    if extensions is None:
        extensions = ["basicConstraints = critical, CA:TRUE",
                      "keyUsage = critical, keyCertSign, cRLSign", "subjectKeyIdentifier = hash",
                      *["authorityKeyIdentifier = keyid"] * bool(issuer)]
    with tempfile.TemporaryDirectory(dir=SCRATCH) as work:
        work = pathlib.Path(work)
        sign(work, name, issuer and folder / issuer, extensions, subject=f"Authority {name}",
             dates=("20200101000000Z", end), key=key)
        for suffix in ("pem", "key"):
            (work / f"{name}.{suffix}").rename(folder / f"{name}.{suffix}")


def sign(folder, name, by, extensions, *, subject="localhost", dates=None, key=P256):
    """NAME.pem and NAME.key, signed with the pair `by`, a path without its suffix, or with its own key."""
    configuration = configure(folder, f"{name}.conf", subject, extensions)
    signer = ("-cert", f"{by}.pem", "-keyfile", f"{by}.key") if by else (
        "-selfsign", "-keyfile", folder / f"{name}.key")
    validity = ("-startdate", dates[0], "-enddate", dates[1]) if dates else ("-days", 30)
    new_key(folder / f"{name}.key", key)
    openssl("req", "-new", "-config", configuration, "-key", folder / f"{name}.key",
            "-out", folder / f"{name}.csr")
    openssl("ca", "-batch", "-notext", "-config", configuration, "-extensions", "extensions",
            *signer, *validity, "-in", folder / f"{name}.csr", "-out", folder / f"{name}.pem")


def configure(folder, name, subject="localhost", extensions=()):
    """The configuration of a CA whose books are in `folder`."""
    (folder / "index.txt").touch()
    path = folder / name
    path.write_text(CONFIGURATION.format(
        folder=folder, subject=subject, extensions="\n".join(extensions)))
    return path


def revoke(folder, name, *, authority=None, certificate=None):
    """`crl-before.pem` and `crl.pem`, from before and after the certificate, else NAME.pem, was revoked."""
    new_list(folder, "crl-before.pem", authority=authority)
    openssl(*books(folder, authority), "-revoke", certificate or folder / f"{name}.pem")
    new_list(folder, "crl.pem", authority=authority)


def new_list(folder, name, *, authority=None, start=None, end=None):
    """A CRL of what was revoked in `folder` so far."""
    dates = [*(["-crl_lastupdate", start] if start else []), *(["-crl_nextupdate", end] if end else [])]
    openssl(*books(folder, authority), "-gencrl", *dates, "-out", folder / name)
    return folder / name


def books(folder, authority=None):
    """The words in front of what a CA, else the good one, does with its books in `folder`."""
    authority = authority or good()
    return ("ca", "-config", configure(folder, "books.conf"), "-cert", authority / "ca.pem",
            "-keyfile", authority / "ca.key")


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


def new_key(path, kind=P256):
    openssl("genpkey", "-algorithm", *kind.split(), "-out", path)
    path.chmod(0o600)


def copy(source, target):
    return write(target, pathlib.Path(source).read_text())


def write(path, text):
    path.write_text(text)
    path.chmod(0o600)
    return path


def moment(**delta):
    """Some time from now, as openssl has it."""
    then = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**delta)
    return then.strftime("%Y%m%d%H%M%SZ")


def pin(certificate):
    """The public-key hash of a certificate, in the form that curl takes."""
    key = openssl("x509", "-in", certificate, "-noout", "-pubkey")
    lines = key.decode().strip().splitlines()[1:-1]
    digest = hashlib.sha256(base64.b64decode("".join(lines))).digest()
    return "sha256//" + base64.b64encode(digest).decode()


def serial(certificate):
    """A certificate's serial number in upper-case hexadecimal."""
    said = openssl("x509", "-in", certificate, "-noout", "-serial")
    return said.decode().strip().removeprefix("serial=")


def ca():
    """The path of the good authority's certificate, as an option takes it."""
    return str(good() / "ca.pem")


def own(certificate):
    """The options that make a certificate, a path without its suffix, the program's own."""
    return ["--cert", f"{certificate}.pem", "--key", f"{certificate}.key"]
