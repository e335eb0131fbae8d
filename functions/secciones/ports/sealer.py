"""Sealing: whoever seals cannot open."""

from typing import Protocol


class Sealer(Protocol):
    """Closes small secrets (up to 64 KiB) so that only an opener for the same context can read them."""

    def seal(self, secret: bytes, context: str) -> bytes:
        """Raises SealerUnavailable."""
        ...


class Opener(Protocol):
    """Reads what was sealed."""

    def open(self, sealed: bytes, context: str) -> bytes:
        """Raises SealerUnavailable when the service does not answer, ValueError when it was sealed for another
        context or is no seal."""
        ...
