"""The audit's hash chain: blocks that say what the audit held when they were made, each bound to the one before it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

from secciones.domain.errors import SeccionesError

# Before anything can have happened.
DAWN = datetime.min.replace(tzinfo=UTC)

_AFTER_ITS_EVENTS = timedelta(days=1)
# A forged event that says it never expires must not keep all later blocks for ever.
_LONGEST_LIFE = timedelta(days=3653)


class DamagedBlock(SeccionesError):
    """What stands in a block's place is no block that Secciones made, or does not follow the one before it."""


class Head(NamedTuple):
    """The newest block of a chain: it stands for all that are before it."""

    number: int
    hash: str


@dataclass(frozen=True)
class SealedEvent:
    """An event by its id, the digest of what it said, and when it may vanish."""

    id: str
    digest: str
    expires_at: datetime | None


@dataclass(frozen=True)
class Block:
    """All events with a time later than `after` and not later than `until`, in the order of times and ids.

    `previous` is the hash of the block before, empty for the first one. A block never expires before an earlier one,
    so that what has expired is always the beginning of the chain.
    """

    number: int
    previous: str
    previous_expires_at: datetime
    after: datetime
    until: datetime
    events: tuple[SealedEvent, ...]
    sealed_at: datetime
    expires_at: datetime

    @property
    def id(self) -> str:
        """Where in the collection it stands."""
        return block_id(self.number)

    @cached_property
    def head(self) -> Head:
        """The chain's head while this is the newest block."""
        return Head(self.number, to_document(self)["hash"])


def block_id(number: int) -> str:
    """The place of a block follows from its number, so that of many sweepers one makes it."""
    return f"{number:012}"


def next_block(previous: Block | None, events: Mapping[str, Mapping[str, Any]], now: datetime) -> Block:
    """The block that seals these events, in order of their times, behind the previous one; None for the first."""
    number, link, floor, after = 1, "", DAWN, DAWN
    if previous is not None:
        number, link = previous.number + 1, previous.head.hash
        floor, after = previous.expires_at, previous.until
    sealed = tuple(
        SealedEvent(key, digest(event), _time_or_none(event.get("expires_at"))) for key, event in events.items()
    )
    until: datetime = list(events.values())[-1]["at"]
    latest = max((event.expires_at for event in sealed if event.expires_at), default=until)
    expires_at = max(floor, min(latest, until + _LONGEST_LIFE) + _AFTER_ITS_EVENTS)
    return Block(number, link, floor, after, until, sealed, now, expires_at)


def digest(document: Mapping[str, Any]) -> str:
    """SHA-256 of everything that a document says, the same from whichever store it was read."""
    text = json.dumps(_canonical(dict(document)), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def to_document(block: Block) -> dict[str, Any]:
    """The block as it is stored, with its hash."""
    document: dict[str, Any] = {
        "number": block.number,
        "previous": block.previous,
        "previous_expires_at": block.previous_expires_at,
        "after": block.after,
        "until": block.until,
        "count": len(block.events),
        "events": [{"id": event.id, "digest": event.digest, "expires_at": event.expires_at} for event in block.events],
        "sealed_at": block.sealed_at,
        "expires_at": block.expires_at,
    }
    return document | {"hash": digest(document)}


def from_document(document: Mapping[str, Any]) -> Block:
    """Raises DamagedBlock unless exactly such a block was stored with its own hash."""
    try:
        block = Block(
            number=document["number"],
            previous=document["previous"],
            previous_expires_at=document["previous_expires_at"],
            after=document["after"],
            until=document["until"],
            events=tuple(SealedEvent(**event) for event in document["events"]),
            sealed_at=document["sealed_at"],
            expires_at=document["expires_at"],
        )
    except (KeyError, TypeError) as error:
        raise DamagedBlock("a block lacks a field") from error
    if not _has_its_kinds(block) or digest(to_document(block)) != digest(document):
        raise DamagedBlock("a block is not as it was made")
    return block


def _has_its_kinds(block: Block) -> bool:
    times = (block.previous_expires_at, block.after, block.until, block.sealed_at, block.expires_at)
    words = [block.previous, *(word for event in block.events for word in (event.id, event.digest))]
    lives = [event.expires_at for event in block.events if event.expires_at is not None]
    return (
        type(block.number) is int
        and all(isinstance(time, datetime) for time in (*times, *lives))
        and all(isinstance(word, str) for word in words)
    )


def _canonical(value: Any) -> Any:
    """JSON in which no two different values look the same: what JSON lacks is in an object with one name."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case datetime():
            return {"time": value.astimezone(UTC).isoformat(timespec="microseconds")}
        case bytes():
            return {"bytes": value.hex()}
        case list():
            return [_canonical(item) for item in value]
        case dict():
            return {"map": {name: _canonical(item) for name, item in value.items()}}
        case _:  # of a kind that only a stranger to this program can have written
            return {"other": str(value)}


def _time_or_none(value: Any) -> datetime | None:
    return value if isinstance(value, datetime) else None
