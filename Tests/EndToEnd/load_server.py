# SPDX-License-Identifier: Apache-2.0
"""The server under load, and what it must come back to."""

import ssl

from ground import LIMIT, is_sanitized
from server import Server
from watched import lowest

MIB = 1 << 20
ANSWERED = 1.0  # seconds within which a well-behaved client must have its reply
SETTLED = 10.0  # seconds until descriptors and memory must be back: twice the close deadline


class Loaded(Server):
    """A `parleyd command` that says little, with the limits of descriptors that a login has, or fewer."""

    def __init__(self, owner, options, files, threads):
        # The short form runs alongside other tests: even a client that nothing holds up may wait for a core there.
        self.patience = LIMIT if options.short else ANSWERED
        # AddressSanitizer keeps what is freed: memory is shown then, and not judged.
        self.is_sanitized = is_sanitized(f"{options.bin}/parleyd")
        self.trust = ssl.create_default_context(cafile=f"{options.certs}/ca.pem")
        # Else Python takes an end without close_notify for a clean one.
        self.trust.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
        super().__init__(
            owner, "command", "--quiet", *(["--threads", threads] if threads else []),
            certs=options.certs, program=f"{options.bin}/parleyd", descriptors=files)
        self.address = (self.host, self.port)
        self.cold_memory, self.base_files, self.base_memory = self.resident, self.descriptors, 0

    def has_given_back(self, memory):
        """Within 10 % of what the warm-up left."""
        return memory <= 1.1 * self.base_memory or self.is_sanitized

    @property
    def last_words(self):
        return self.stderr.text.splitlines()[-8:]

    @property
    def settled(self):
        """Memory once it has not fallen for two seconds."""
        return lowest([lambda: self.resident], 2)[0]
