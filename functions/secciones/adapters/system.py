"""The operating system: its clock and its source of chance, the only ones that Secciones uses."""

import secrets
import time
from datetime import UTC, datetime


class SystemClock:
    """This machine's clock."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Let this thread wait; no time at all for a negative number."""
        time.sleep(max(0.0, seconds))


class SystemIds:
    """The operating system's generator."""

    def token(self) -> str:
        """256 bits, URL-safe text."""
        return secrets.token_urlsafe(32)

    def seed(self) -> bytes:
        """32 bytes."""
        return secrets.token_bytes(32)


def fraction() -> float:
    """Evenly from 0 up to 1: the jitter of retries."""
    return secrets.SystemRandom().random()
