"""Time and chance come from outside, so that every use case can be told both."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The time of this machine, which may be minutes wrong: nothing may depend on two machines agreeing."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let this thread wait; no time at all for a negative number."""
        ...


class Ids(Protocol):
    """Unguessable values from the operating system's generator."""

    def token(self) -> str:
        """256 bits, URL-safe text."""
        ...

    def seed(self) -> bytes:
        """32 bytes."""
        ...
