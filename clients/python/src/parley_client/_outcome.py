# SPDX-License-Identifier: Apache-2.0
"""What a command came to, and the errors of a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Optional, Union

CODES = {
    1: "unknownCommand", 2: "notAllowed", 3: "badArgument", 4: "busy", 5: "tooLarge", 6: "malformed",
    7: "shuttingDown", 8: "unavailable", 9: "cancelled"}
"""The codes of refusals, as docs/audit.md names them."""


@dataclass(frozen=True)
class Exited:
    """It ended by itself, with `status`, 0 to 255."""

    status: int
    name: ClassVar[str] = "exit"

    def __str__(self) -> str:
        return f"ended with status {self.status}"


@dataclass(frozen=True)
class Signaled:
    """The signal with this number ended it, also if this client's cancel caused that."""

    signal: int
    name: ClassVar[str] = "signal"

    def __str__(self) -> str:
        return f"ended by signal {self.signal}"


@dataclass(frozen=True)
class TimedOut:
    """The server ended it because it exceeded the time limit of the server's table."""

    name: ClassVar[str] = "time-out"

    def __str__(self) -> str:
        return "exceeded the server's time limit"


@dataclass(frozen=True)
class OutputLimit:
    """The server ended it because of too much output; what is within the limit was sent."""

    name: ClassVar[str] = "output-limit"

    def __str__(self) -> str:
        return "exceeded the server's output limit"


@dataclass(frozen=True)
class LeftRunning:
    """The server could not end something of it and left that running."""

    name: ClassVar[str] = "left-running"

    def __str__(self) -> str:
        return "left something running that the server could not end"


@dataclass(frozen=True)
class Refused:
    """It was not started. `code` is a value of docs/audit.md, such as `notAllowed`; the sentence says what to do."""

    code: str
    sentence: str
    name: ClassVar[str] = "refused"

    def __str__(self) -> str:
        return f"refused ({self.code}): {self.sentence}"


@dataclass(frozen=True)
class UnknownCommand(Refused):
    """It was not started, because the server has no command of this name."""


Outcome = Union[Exited, Signaled, TimedOut, OutputLimit, LeftRunning, Refused]


@dataclass(frozen=True)
class Result:
    """A command's outcome, and its output as far as it was collected."""

    outcome: Outcome
    stdout: bytes = b""
    stderr: bytes = b""

    @property
    def ok(self) -> bool:
        """Whether the command ended by itself with status 0."""
        return self.outcome == Exited(0)


class ParleyError(Exception):
    """A run without an outcome from the server. `name` is the word for it that `parley run --json` has."""

    name: str = "failed"


class NotTrusted(ParleyError):
    """One end did not accept the other's certificate."""

    name = "not-trusted"


class CredentialError(ParleyError):
    """A certificate or key cannot be used."""


class ConnectError(ParleyError):
    """There is no connection, or the server does not speak parley/1."""


class CutShort(ParleyError):
    """The connection ended before the answer was complete; whether the command ended is not known."""

    name = "cut-short"


class ProtocolError(ParleyError):
    """The server sent what parley/1 does not allow."""


class TooMuchOutput(ParleyError):
    """The output exceeded `max_output`; the command was ended."""


class SessionRefused(ParleyError):
    """The server refused the session, not a command; `refusal` says why."""

    name = "refused"

    def __init__(self, message: str, refusal: Refused) -> None:
        super().__init__(message)
        self.refusal = refusal


class CommandTimeout(ParleyError):
    """The client's `timeout` was over and the command was cancelled.

    `result` has the output up to then and the outcome of the cancelled command, or is None where
    the server did not tell its end in time; the session is closed then.
    """

    name = "interrupted"

    def __init__(self, message: str, result: Optional[Result]) -> None:
        super().__init__(message)
        self.result = result


class CommandFailed(ParleyError):
    """With `check=True`: the outcome is not exit status 0."""

    def __init__(self, message: str, result: Result) -> None:
        super().__init__(message)
        self.result = result
        self.name = result.outcome.name
