# SPDX-License-Identifier: Apache-2.0
"""What a server must prove. Python's `ssl` checks chain and name; URIs and pins are checked here, in the handshake."""

from __future__ import annotations

import base64
import binascii
import hashlib
import ipaddress
import ssl
from typing import Any, FrozenSet, Iterable, Optional, Tuple, Union

Pins = Union[str, Iterable[str]]


class _Verified(ssl.SSLObject):
    outgoing: ssl.MemoryBIO

    def do_handshake(self) -> None:
        super().do_handshake()
        assert isinstance(self.context, Context)
        objection = self.context.objection(self)
        if objection:
            # What is still to be sent has the client's certificate.
            self.outgoing.read()
            error = ssl.SSLCertVerificationError(objection)
            error.verify_message = objection
            raise error


class Context(ssl.SSLContext):
    """A client's TLS context that also requires a URI among the server's names, one of some keys, or both."""

    sslobject_class = _Verified
    uri: Optional[str] = None
    pins: Optional[FrozenSet[bytes]] = None

    def wrap_bio(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *how: Any, **more: Any) -> ssl.SSLObject:
        end = super().wrap_bio(incoming, outgoing, *how, **more)
        assert isinstance(end, _Verified)
        end.outgoing = outgoing
        return end

    def wrap_socket(self, *_: Any, **__: Any) -> ssl.SSLSocket:
        raise NotImplementedError("on a socket of its own, ssl sends the client's certificate before it can be told not to")

    def objection(self, end: ssl.SSLObject) -> Optional[str]:
        """Why the server of a finished handshake is not accepted."""
        if self.pins is not None:
            certificate = end.getpeercert(binary_form=True)
            found = certificate and key_hash(certificate)
            if found not in self.pins:
                shown = f"sha256//{base64.b64encode(found).decode()}" if found else "none that can be read"
                return f"its key is {shown}, which is not the pinned one; someone may be intercepting the connection"
        if self.uri is not None and self.uri not in _uris(end):
            return f"it is not for uri:{self.uri}"
        return None


def server_name(text: str) -> Tuple[Optional[str], Optional[str]]:
    """What `ssl` is to verify, a DNS name or an address, or else the URI. Raises ValueError."""
    if text.startswith(("uri:", "spiffe://")):
        uri = text[4:] if text.startswith("uri:") else text
        scheme, _, rest = uri.partition(":")
        if not scheme or not rest or any(not "!" <= character <= "~" for character in uri):
            raise ValueError(f"'{text}' is not a valid server name; a URI needs a scheme and printable ASCII "
                             "characters, such as uri:spiffe://example.org/server")
        return None, uri
    address = text.partition("%")[0]  # Without the zone, which no certificate has.
    name = text[:-1] if text.endswith(".") else text
    if _is_address(address):
        return address, None
    if not name or name.startswith(".") or "\0" in name or _is_address(name):
        raise ValueError(f"'{text}' is not a valid server name; use a DNS name, an address, or uri: and a URI")
    return name, None


def pins(given: Optional[Pins]) -> Optional[FrozenSet[bytes]]:
    """The hashes of `sha256//…`, as curl writes them, or of `key:sha256:…`. Raises ValueError."""
    if given is None:
        return None
    found = frozenset(map(_pin, [given] if isinstance(given, str) else given))
    if not found:
        raise ValueError("the list of pins is empty; give at least one, or None")
    return found


def key_hash(certificate: bytes) -> Optional[bytes]:
    """The SHA-256 of a certificate's SubjectPublicKeyInfo (RFC 5280, section 4.1), None if it cannot be found."""
    try:
        at = _contents(certificate, _contents(certificate, 0)[0])[0]
        if certificate[at] == 0xa0:  # The version.
            at = _contents(certificate, at)[1]
        for _ in ("serialNumber", "signature", "issuer", "validity", "subject"):
            at = _contents(certificate, at)[1]
        return hashlib.sha256(certificate[at:_contents(certificate, at)[1]]).digest()
    except IndexError:
        return None


def _contents(der: bytes, at: int) -> Tuple[int, int]:
    """Where the contents of the element at `at` begin and end."""
    length, at = der[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7f
        length, at = int.from_bytes(der[at:at + size], "big"), at + size
    return at, at + length


def _uris(end: ssl.SSLObject) -> FrozenSet[str]:
    try:
        names = (end.getpeercert() or {}).get("subjectAltName", ())
    except ValueError:  # One that is no UTF-8.
        return frozenset()
    return frozenset(str(name[1]) for name in names if name[0] == "URI")


def _pin(text: str) -> bytes:
    for prefix in ("sha256//", "key:sha256:"):
        if text.startswith(prefix):
            encoded = text[len(prefix):]
            try:
                found = base64.b64decode(encoded)
            except (ValueError, binascii.Error):
                break
            # Python passes over what is not base64.
            if len(found) == 32 and base64.b64encode(found).decode() == encoded:
                return found
    raise ValueError(f"'{text}' is not a valid pin; use sha256// and 44 characters of base64")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
