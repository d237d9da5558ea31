# SPDX-License-Identifier: Apache-2.0
"""The recipes of docs/pki.md, word for word, and a session with what each has made."""

import functools
import os
import re
import shutil
import subprocess
import unittest

from ground import LIMIT
from remote_server import TableServer
from support import PARLEY, REPOSITORY, TestCase, new_folder

PAGE = REPOSITORY / "docs" / "pki.md"


@functools.lru_cache(maxsize=None)
def recipes():
    """The text of each section that has a recipe."""
    sections = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)[1:]
    return dict(section.split("\n", 1) for section in sections)


def commands(title):
    return "".join(re.findall(r"^```sh\n(.*?)^```$", recipes()[title], re.MULTILINE | re.DOTALL))


def has_pkcs11_provider():
    folders = ["/usr/lib", *(f"/usr/lib/{name}" for name in os.listdir("/usr/lib") if "linux-gnu" in name)]
    return any(os.path.exists(f"{folder}/ossl-modules/pkcs11.so") for folder in folders)


TOOLS = {
    "easy-rsa": ("easy-rsa", os.access("/usr/share/easy-rsa/easyrsa", os.X_OK)),
    "certtool": ("gnutls-bin", shutil.which("certtool")),
    "cfssl": ("golang-cfssl", shutil.which("cfssl") and shutil.which("cfssljson")),
    "A PKCS#11 token": ("softhsm2 and pkcs11-provider", shutil.which("softhsm2-util") and has_pkcs11_provider()),
}
"""The package that each recipe needs, and whether it is here."""


class Recipes(TestCase):
    def follow(self, title):
        package, is_here = TOOLS[title]
        if not is_here:
            self.skipTest(f"Debian's {package} is not installed")
        folder = new_folder()
        made = subprocess.run(["sh", "-euc", commands(title)], cwd=folder, stdin=subprocess.DEVNULL, timeout=LIMIT * 3,
                              capture_output=True, text=True, check=False)
        self.assertEqual(made.returncode, 0, made.stdout[-2000:] + made.stderr[-2000:])
        self.converse(folder)

    def converse(self, folder):
        """What the page says of the files, done at both ends."""
        there, here = folder / "there", folder / "here"
        for place, names in ((there, ("server.pem", "server.key")), (here, ("alice.pem", "alice.key"))):
            place.mkdir(mode=0o700)
            shutil.copy(folder / "ca.pem", place)
            for name in names:
                shutil.copy(folder / name, place / name.replace("alice", "client"))
        server = TableServer(self, {"Hello": {"reply": "Greetings!"}}, "--crl", folder / "crl.pem",
                             certs=there, trust=there / "ca.pem")
        for command, said in (("Hello", "Greetings!"), ("whoami", "email:alice@example.org")):
            asked = subprocess.run(
                [PARLEY, "run", "--certs", here, "--server-name", "server.example.org", f"localhost:{server.port}",
                 "--", command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT, check=False)
            self.assertIn(said, asked.stdout, asked.stderr)

    def test_easyRSA(self):
        self.follow("easy-rsa")

    def test_certtool(self):
        self.follow("certtool")

    def test_cfssl(self):
        self.follow("cfssl")

    def test_pkcs11(self):
        self.follow("A PKCS#11 token")

    def test_each_recipe_says_whether_it_is_tested(self):
        for title, text in recipes().items():
            with self.subTest(title):
                self.assertTrue(text.strip().startswith("Tested" if title in TOOLS else "Untested."))
                self.assertEqual(bool(commands(title)), title in TOOLS)


if __name__ == "__main__":
    unittest.main()
