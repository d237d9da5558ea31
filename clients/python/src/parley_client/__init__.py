# SPDX-License-Identifier: Apache-2.0
"""Client for Parley: run the commands that a `parleyd` allows, over mutual TLS 1.3.

`run` and `connect` block, `run_async` and `connect_async` are for asyncio. What a command came to is an
`Outcome`; a run without one raises a `ParleyError`.
"""

from ._aio import AsyncSession, connect_async, run_async
from ._outcome import (
    CommandFailed, CommandTimeout, ConnectError, CredentialError, CutShort, Exited, LeftRunning, NotTrusted,
    Outcome, OutputLimit, ParleyError, ProtocolError, Refused, Result, SessionRefused, Signaled, TimedOut,
    TooMuchOutput, UnknownCommand)
from ._protocol import Ended, ErrorOutput, Event, Output, Protocol
from ._sync import Session, connect, run

__version__ = "0.1.0"
__all__ = [
    "AsyncSession", "CommandFailed", "CommandTimeout", "ConnectError", "CredentialError", "CutShort",
    "Ended", "ErrorOutput", "Event", "Exited", "LeftRunning", "NotTrusted", "Outcome", "Output",
    "OutputLimit", "ParleyError", "Protocol", "ProtocolError", "Refused", "Result", "Session",
    "SessionRefused", "Signaled", "TimedOut", "TooMuchOutput", "UnknownCommand", "connect",
    "connect_async", "run", "run_async"]
