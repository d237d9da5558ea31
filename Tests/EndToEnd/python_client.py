# SPDX-License-Identifier: Apache-2.0
"""The Python client's two APIs, blocking and asyncio, asked in the same way."""

import asyncio
import sys

import authority
from support import LIMIT, REPOSITORY

CLIENT = REPOSITORY / "clients" / "python" / "src"
sys.path.insert(0, str(CLIENT))
import parley_client as parley  # noqa: E402


def blocking(port, *words, host="localhost", certs=None, keepalive=15.0, idle_timeout=300.0, names=None, **how):
    with parley.connect(host, port, certs=certs or authority.good(), keepalive=keepalive,
                        idle_timeout=idle_timeout, **(names or {})) as session:
        return session.run(*words, **how)


def with_asyncio(port, *words, host="localhost", certs=None, keepalive=15.0, idle_timeout=300.0, names=None,
                 **how):
    async def ask():
        async with await parley.connect_async(
                host, port, certs=certs or authority.good(), keepalive=keepalive, idle_timeout=idle_timeout,
                **(names or {})) as session:
            return await session.run(*words, **how)
    return asyncio.run(asyncio.wait_for(ask(), LIMIT))


class Either:
    """A test of what both APIs do alike, which `ask` chooses."""

    def failure(self, error, port, *words, **how):
        """The sentence of an error, which names the host."""
        with self.assertRaises(error) as caught:
            self.ask(port, *(words or ["Hello"]), **how)
        self.assertIs(type(caught.exception), error)
        self.assertRegex(str(caught.exception), rf"^{how.get('host', 'localhost')}:{port}: ")
        return caught.exception
