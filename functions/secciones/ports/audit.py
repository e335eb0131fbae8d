"""The audit log: what happened, by whom, for ever as far as this program is concerned."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

AuditValue = str | int | bool | list[dict[str, str]]


@dataclass(frozen=True)
class AuditEvent:
    """One thing that happened. `key` makes it the same event however often it is recorded; empty for a new one.

    `actor` is the pseudonym of the person's DUI, empty before it is known; no field may hold a password, DUI, NIP,
    cookie or token.
    """

    kind: str
    outcome: str
    actor: str = ""
    account: str = ""
    school: str = ""
    section: str = ""
    batch: str = ""
    key: str = ""
    details: Mapping[str, AuditValue] = field(default_factory=dict)


class AuditLog(Protocol):
    """Appends only."""

    def record(self, event: AuditEvent) -> None:
        """Keep the event with the present time and the request's id; an event with a known `key` is kept once.

        Raises DocumentsUnavailable.
        """
        ...
