# SPDX-License-Identifier: Apache-2.0
"""A small file system of memory that one server alone sees, so that its disk can really be full."""

import pathlib

from conditions import works

SIZE = 8 << 20
"""Who fills the trail must not have filled it once more before anybody has seen that it has room."""
ROOM = 16 << 10
"""What is left for some dozens of records when it is filled."""
SCRIPT = f'mount -t tmpfs -o size={SIZE},mode=700 parley "$0" && exec "$@"'
WAYS = (["unshare", "--mount"], ["unshare", "--mount", "--map-root-user"])
"""As root, and as a user where the system lets users have name spaces of their own."""
TRUSTED = '[ "$(stat -c %u /)" = 0 ]'
"""In a user's name space root's folders may belong to nobody, and a server takes no table from there."""


class Volume:
    """Mounted in a name space that ends with the server; nothing is left to unmount."""

    def __init__(self, folder):
        self.folder = folder / "volume"
        self.folder.mkdir()
        self.way = next((
            way for way in WAYS
            if works(*way, "sh", "-c", SCRIPT, str(self.folder), "sh", "-c", TRUSTED)), None)
        self._inside = None

    def __bool__(self):
        return self.way is not None

    @property
    def wrapper(self):
        """The words in front of a server's command that has the volume; it keeps its number."""
        return [*self.way, "sh", "-c", SCRIPT, str(self.folder)] if self.way else []

    @property
    def is_roots(self):
        """Whether the server that has it is root in its name space."""
        return "--map-root-user" in (self.way or ())

    def enter(self, pid):
        """From here on the volume is that of this server."""
        self._inside = pathlib.Path(f"/proc/{pid}/root{self.folder}")

    @property
    def audit(self):
        """The path that the server sees."""
        return self.folder / "audit.jsonl"

    def fill(self):
        with open(self._inside / "filler", "wb", buffering=0) as filler:
            filler.write(bytes(SIZE - ROOM))

    def make_room(self):
        (self._inside / "filler").unlink()

    def take(self, target):
        """Moves the audit file out of the volume."""
        path = self._inside / "audit.jsonl"
        target.write_bytes(path.read_bytes())
        path.unlink()
