# SPDX-License-Identifier: Apache-2.0
"""The recipes of docs/pki.md, word for word, and a session with what each has made."""

import os
import re
import shutil
import subprocess
import unittest

from conditions import needs
from people import key_identity  # noqa: the tables of the remote tests name it
from remote import COMMANDS
from remote_server import RemoteServer
from support import LIMIT, REPOSITORY, Client, TestCase, new_folder

PAGE = (REPOSITORY / "docs" / "pki.md").read_text()


def sections():
    """Each recipe's title and text."""
    return dict(re.findall(r"^## (.*)\n((?:(?!^## )[^\n]*\n)*)", PAGE, re.MULTILINE))


class Recipes(TestCase):
    pass


if __name__ == "__main__":
    unittest.main()
