# SPDX-License-Identifier: Apache-2.0
"""Certificates where `parley` looks for them, and the TLS that a session has. Nothing turns verification off."""

from __future__ import annotations

import os
import re
import socket
import ssl
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, List, Optional, Tuple, Union

from . import _server
from ._outcome import ConnectError, CredentialError, NotTrusted, ParleyError
from ._protocol import ALPN

PathLike = Union[str, "os.PathLike[str]"]
Passphrase = Union[str, bytes, Callable[[], Union[str, bytes]]]
PORT = 12_345
_PARTIAL_CHAIN = 0x80000  # ssl.VERIFY_X509_PARTIAL_CHAIN, which Python 3.9 does not name.
_ABOUT_TRUST = ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED", "UNKNOWN_PSK")


@dataclass(frozen=True)
class Credentials:
    """Which files to use, and where to look for those that are not named: `certs`, else
    $XDG_CONFIG_HOME/parley, else /etc/parley, for ca.pem, client.pem and client.key."""

    certs: Optional[PathLike] = None
    ca: Optional[PathLike] = None
    cert: Optional[PathLike] = None
    key: Optional[PathLike] = None
    passphrase: Optional[Passphrase] = None
    crl: Optional[PathLike] = None

    def context(self, place: str) -> _server.Context:
        """A context from the files as they are now. Raises CredentialError, which names the host `place`."""
        context = _server.Context(ssl.PROTOCOL_TLS_CLIENT)  # Verifies chain and name.
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.hostname_checks_common_name = False
        context.verify_flags |= _PARTIAL_CHAIN  # A trusted intermediate CA is enough, as for parley.
        context.set_alpn_protocols([ALPN])
        ca = Path(self.ca) if self.ca else self._find("ca.pem")
        cert = Path(self.cert) if self.cert else self._find("client.pem")
        key = Path(self.key) if self.key else self._find("client.key")
        if cert is None or key is None:
            raise CredentialError(f"{place}: there is no {'client.key' if cert else 'client.pem'} in "
                                  f"{' or '.join(map(str, self._folders))}; name the directory with certs=")
        try:
            if ca is None:
                context.load_default_certs(ssl.Purpose.SERVER_AUTH)
            else:
                _examine(ca)
                context.load_verify_locations(cafile=str(ca))
        except (OSError, ValueError) as error:
            raise CredentialError(f"{place}: cannot use the CA {ca}: {_reason(error)}") from error
        try:
            if self.crl:
                _load_lists(context, Path(self.crl))
        except (OSError, ValueError) as error:
            raise CredentialError(f"{place}: cannot use the CRL {self.crl}: {_reason(error)}") from error
        try:
            _examine(cert)
            _examine(key, is_key=True)
            _load_pair(context, cert, key, self.passphrase)
        except (OSError, ValueError) as error:
            raise CredentialError(f"{place}: cannot use the certificate {cert} with the key {key}: "
                                  f"{_reason(error)}") from error
        return context

    @property
    def _folders(self) -> List[Path]:
        if self.certs:
            return [Path(self.certs)]
        own = os.environ.get("XDG_CONFIG_HOME", "")
        if not os.path.isabs(own):
            own = os.path.expanduser("~/.config")
        return [Path(own) / "parley", Path("/etc/parley")]

    def _find(self, name: str) -> Optional[Path]:
        for folder in self._folders:
            if os.path.lexists(folder / name):
                return folder / name
        # A named folder without a CA must not lead to trusting the whole system's store.
        return self._folders[0] / name if self.certs else None


@dataclass(frozen=True)
class Target:
    """Where to connect to, and what the server there must prove."""

    place: str
    """The host and port as the caller names them."""
    address: str
    port: int
    name: Optional[str]
    """The DNS name or address that `context` verifies; None if it is a URI."""
    context: _server.Context


def target(host: str, port: Optional[int], server_name: Optional[str], pin: Optional[_server.Pins],
           credentials: Credentials) -> Target:
    """Raises ValueError and CredentialError."""
    address, number = endpoint(host, port)
    name, uri = _server.server_name(server_name or address)
    pins = _server.pins(pin)
    place = f"{host}:{port}" if port else host
    context = credentials.context(place)
    if uri:
        context.check_hostname = False  # It would require a name; the chain is verified all the same.
    context.uri, context.pins = uri, pins
    return Target(place, address, number, name, context)


def endpoint(host: str, port: Optional[int]) -> Tuple[str, int]:
    """HOST, HOST:PORT or [IPV6]:PORT, as parley takes them. Raises ValueError."""
    name, rest = host, ""
    if host.startswith("["):
        name, _, rest = host[1:].partition("]")
    elif host.count(":") == 1:
        name, _, rest = host.partition(":")
        rest = ":" + rest
    number = port or PORT
    if rest:
        if port or not (rest[0] == ":" and rest[1:].isascii() and rest[1:].isdigit()):
            raise ValueError(f"'{host}' is not a valid host; use HOST, HOST:PORT or [IPV6]:PORT")
        number = int(rest[1:])
    if not name or not 0 < number < 65_536:
        raise ValueError(f"'{host}' is not a valid host; use HOST, HOST:PORT or [IPV6]:PORT")
    return name, number


def translate(place: str, error: Exception) -> ParleyError:
    """What a failure to connect or to shake hands is to the caller, with the host's name."""
    text = _reason(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return NotTrusted(f"{place}: the server's certificate is not trusted: {error.verify_message}")
    if isinstance(error, ssl.SSLError):
        if is_about_trust(error):
            return NotTrusted(f"{place}: the server did not accept this client's certificate: {text}")
        return ConnectError(f"{place}: TLS failed: {text}")
    return ConnectError(f"{place}: cannot connect: {text}")


def is_about_trust(error: BaseException) -> bool:
    """Whether it is the server's alert that it does not take the client's certificate."""
    reason = getattr(error, "reason", None) or ""
    return isinstance(error, ssl.SSLError) and "ALERT" in reason and any(w in reason for w in _ABOUT_TRUST)


def check_protocol(place: str, chosen: Optional[str]) -> None:
    if chosen != ALPN:
        raise ConnectError(f"{place}: the server does not offer remote commands (parley/1)")


def _reason(error: Exception) -> str:
    # asyncio has a text of its own there.
    if isinstance(error, OSError) and not isinstance(error, (ssl.SSLError, socket.gaierror)) and error.errno:
        return os.strerror(error.errno)
    return getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error) or \
        type(error).__name__


def _load_pair(context: ssl.SSLContext, cert: Path, key: Path, passphrase: Optional[Passphrase]) -> None:
    was_asked = False

    def secret() -> Union[str, bytes]:
        nonlocal was_asked
        was_asked = True
        if passphrase is None:  # OpenSSL would ask at the terminal.
            raise ValueError("the key has a passphrase; give it, or use a key without one")
        return passphrase() if callable(passphrase) else passphrase

    try:
        context.load_cert_chain(str(cert), str(key), password=secret)
    except ssl.SSLError as error:
        if was_asked and error.reason != "KEY_VALUES_MISMATCH":
            raise ValueError("the key has another passphrase") from error
        raise


def _load_lists(context: ssl.SSLContext, path: Path) -> None:
    """Refuse what these CRLs revoke, and what they say nothing about."""
    _examine(path)
    begun = re.findall(rb"-----BEGIN ([^\n]*?)-----", path.read_bytes())
    # OpenSSL would trust a certificate that it finds there.
    if any(kind != b"X509 CRL" for kind in begun):
        raise ValueError("it has more than CRLs; use a PEM file with nothing else")
    if begun:
        context.load_verify_locations(cafile=str(path))
    if context.cert_store_stats()["crl"] == 0:
        raise ValueError("it has no CRL in PEM")
    # With one list, a CA's own certificate would have none.
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF if len(begun) == 1 else ssl.VERIFY_CRL_CHECK_CHAIN


def _examine(path: Path, is_key: bool = False) -> None:
    """Refuse what others can replace or read, by parley's rule: root's or the user's own, at each level."""
    real = path.resolve(strict=True)
    for place in (real, *real.parents):
        status = place.stat()
        if status.st_uid not in (0, os.geteuid()):
            raise ValueError(f"{place} belongs to another user; use a file of your own or root's")
        is_open = status.st_mode & 0o022
        # In a sticky directory nobody can replace what is another's; directly at the file it does not help.
        if is_open and not (status.st_mode & stat.S_ISVTX and place not in (real, real.parent)):
            raise ValueError(f"others can write {place}; use chmod go-w {place}")
    mode = real.stat().st_mode
    if is_key and (mode & 0o007 or (mode & 0o040 and real.stat().st_uid != 0)):
        raise ValueError(f"others can read {real}; use chmod go= {real}")
