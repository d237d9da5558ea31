# SPDX-License-Identifier: Apache-2.0
"""The clients of the remote tests: a certificate for each way to identify a client."""

import functools

import authority
from authority import good, issue, pin
from support import SCRATCH

FOR_CLIENTS = "clientAuth"
EMAIL, DNS, URI = 0x81, 0x82, 0x86


def encoded(kind, text):
    """A single name as its bytes, which may be such as no authority should sign."""
    return "DER:" + bytes([0x30, len(text) + 2, kind, len(text), *text]).hex()


NAMES = {
    "dora": "DNS:dora.example",
    "emil": "email:emil@example.org",
    "uri": "URI:spiffe://example.org/uri",
    "many": "URI:spiffe://example.org/many,email:many@example.org,DNS:many.example",
    "nameless": "",
    "addressed": "IP:127.0.0.1",
    "leaver": "DNS:leaver.example",
    "prefix": "DNS:dora.example.evil",
    "upper": "DNS:DORA.EXAMPLE",
    "wildcard": "DNS:*.example",
    "nul": encoded(DNS, b"dora.example\0.evil"),
    "line": encoded(URI, b"uri:x\ndns:dora.example"),
    "space": encoded(EMAIL, b"emil@example.org dns:dora.example"),
    "escape": encoded(DNS, b"\x1b[31mdora.example"),
    "latin": encoded(DNS, b"d\xf6ra.example"),
    "empty": encoded(DNS, b""),
}
USELESS = {"nameless", "addressed", "nul", "line", "space", "escape", "latin", "empty"}
"""Those without a name that counts."""


@functools.lru_cache(maxsize=None)
def people():
    """A folder with NAME.pem and NAME.key for each of `NAMES`."""
    folder = SCRATCH / "people"
    folder.mkdir()
    for name, names in NAMES.items():
        issue(folder, name, names=names, purpose=FOR_CLIENTS)
    return folder


def key_identity(name):
    """The hash of the public key, as tables name it."""
    return "key:sha256:" + pin(people() / f"{name}.pem").removeprefix("sha256//")


def client(name):
    """The path of a certificate without its suffix."""
    return (people() if name in NAMES else good()) / name


def serial(name):
    return authority.serial(f"{client(name)}.pem")
