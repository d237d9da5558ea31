# SPDX-License-Identifier: Apache-2.0
"""A CRL so long that openssl would take minutes to make it, written byte by byte."""

import base64

from authority import good, moment, openssl, serial


def element(tag, content):
    """DER."""
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 128 | len(length)]) + length + content


def long_list(folder, name, certificates, count):
    """A CRL of `count` entries, those for `certificates` among them."""
    issuer = openssl("x509", "-in", good() / "ca.pem", "-outform", "DER")
    numbers = [bytes.fromhex(serial(certificate)) for certificate in certificates]
    numbers = [b"\0" + number if number[0] & 128 else number for number in numbers]
    numbers += [b"\x40" + (index * 2654435761 % 2**32).to_bytes(4, "big") + index.to_bytes(8, "big")
                for index in range(count - len(numbers))]

    def time(text):
        return element(0x17, text[2:].encode())
    date = time(moment(hours=-1))
    algorithm = element(0x30, bytes.fromhex("06082a8648ce3d040302"))
    text = element(0x30, b"".join([
        element(2, b"\1"), algorithm, subject(issuer), date, time(moment(days=30)),
        element(0x30, b"".join(element(0x30, element(2, number) + date) for number in numbers))]))
    (folder / "text").write_bytes(text)
    signature = openssl("dgst", "-sha256", "-sign", good() / "ca.key", folder / "text")
    body = base64.b64encode(element(0x30, text + algorithm + element(3, b"\0" + signature)))
    lines = [body[at:at + 64] for at in range(0, len(body), 64)]
    (folder / name).write_bytes(b"\n".join(
        [b"-----BEGIN X509 CRL-----", *lines, b"-----END X509 CRL-----", b""]))
    return folder / name


def subject(certificate):
    """The subject's name in a certificate's DER."""
    def parts(at, end):
        while at < end:
            size, start = certificate[at + 1], at + 2
            if size & 128:
                start += size & 127
                size = int.from_bytes(certificate[at + 2:start], "big")
            yield certificate[at:start + size], start, start + size
            at = start + size
    _, start, end = next(parts(0, len(certificate)))
    _, start, end = next(parts(start, end))
    # Version, serial number, algorithm, issuer, validity, subject.
    return [part for part, _, _ in parts(start, end)][5]
