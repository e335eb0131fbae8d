"""The audit against its chain: whatever was deleted, edited, inserted, reordered, cut off or made anew is found."""

import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from secciones.domain.audit_chain import DAWN, Block, DamagedBlock, Head, block_id, digest, from_document
from secciones.ports.clock import Clock
from secciones.ports.documents import Document, Documents
from secciones.services.audit_chain import AUDIT, AUDIT_CHAIN, MARGIN, events_after, page_after

_EVENTS_A_PAGE = 1000
_BLOCKS_A_PAGE = 20
# How much later than it could an event may be sealed; the sweeper comes every minute.
_PATIENCE = timedelta(hours=1)
# Who finds so many need not look further.
_MOST_FINDINGS = 1000


class Kind(StrEnum):
    """What can be wrong with an event or a block."""

    DELETED = "deleted"
    EDITED = "edited"
    INSERTED = "inserted"
    REORDERED = "reordered"  # it stands in another's place or at another time
    BROKEN_LINK = "broken_link"  # a block that does not follow the one before it
    TRUNCATED = "truncated"  # the chain ends before the head that was once logged
    REWRITTEN = "rewritten"  # the block of the logged head is there, and is another
    SEALED_LATE = "sealed_late"  # a sweeper that stood still, or blocks that were removed and made anew
    UNSEALED = "unsealed"  # likewise, and nothing has been made anew


@dataclass(frozen=True)
class Finding:
    """One contradiction; `id` is the event's or the block's, the first one's when there are several."""

    kind: Kind
    subject: str  # event or block
    id: str
    count: int = 1


@dataclass(frozen=True)
class Verdict:
    """What was looked at and what was found; not complete when there was too much to be found."""

    findings: tuple[Finding, ...]
    blocks: int
    events: int
    head: Head | None
    is_complete: bool

    @property
    def is_sound(self) -> bool:
        """Whether everything is as it was when it was sealed."""
        return not self.findings


def verify_chain(
    documents: Documents, clock: Clock, logged: Head | None = None, since: datetime | None = None
) -> Verdict:
    """Hold the audit's store against its chain.

    `logged` is a head as the log has kept it: without one, a chain that was made anew from some block on shows only by
    blocks that were sealed late. With `since`, what was sealed by blocks that end earlier is left out, except
    from the block of `logged` on. What has expired is not missed. Raises DocumentsUnavailable.
    """
    walk = _Walk(documents, clock, logged)
    findings = tuple(itertools.islice(walk.findings(since), _MOST_FINDINGS))
    head = walk.newest.head if walk.newest else None
    return Verdict(findings, walk.blocks, walk.events, head, len(findings) < _MOST_FINDINGS)


class _Walk:
    """Along the blocks, and beside them along the events."""

    def __init__(self, documents: Documents, clock: Clock, logged: Head | None) -> None:
        self.blocks = 0
        self.events = 0
        self.newest: Block | None = None
        self._documents = documents
        self._clock = clock
        self._logged = logged
        self._before: Block | None = None  # the block before, if the next one can be held against it
        self._number = 0  # the last place that was looked at
        self._timeline = _Timeline(documents, DAWN)

    def findings(self, since: datetime | None) -> Iterator[Finding]:
        stored = self._stored_blocks(self._first_number(since))
        first = next(stored, None)
        yield from self._beginning(first, since)
        for key, document in itertools.chain([first] if first else [], stored):
            self.blocks += 1
            yield from self._place(key, document)
        if self._logged and (self.newest is None or self.newest.number < self._logged.number):
            yield Finding(Kind.TRUNCATED, "block", block_id(self._logged.number))
        yield from self._tail()

    def _first_number(self, since: datetime | None) -> int:
        if since is None:
            return 0
        found = self._documents.query(AUDIT_CHAIN, {}, "until", 1, after=since)
        found = found or self._documents.query(AUDIT_CHAIN, {}, "number", 1, descending=True)
        number = found[0][1].get("number") if found else None
        number = number if isinstance(number, int) else 0
        return min(number, self._logged.number) if self._logged else number

    def _stored_blocks(self, first: int) -> Iterator[tuple[str, Document]]:
        last = first - 1
        while page := page_after(self._documents, AUDIT_CHAIN, "number", last, _BLOCKS_A_PAGE):
            yield from page
            last = page[-1][1]["number"]
            if not isinstance(last, int):
                return  # behind all numbers: what follows is no block either

    def _beginning(self, first: tuple[str, Document] | None, since: datetime | None) -> Iterator[Finding]:
        """Is it there because all before has expired, or is somebody's deletion hidden by that?"""
        try:
            block = from_document(first[1]) if first else None
        except DamagedBlock:
            block = None  # found when its turn comes
        if since is not None:
            self._timeline = _Timeline(self._documents, block.after if block else since)
        if block is None or block.number == 1:
            return
        self._number = block.number - 1
        try:
            self._before = self._block_before(block)
        except DamagedBlock:
            yield Finding(Kind.EDITED, "block", block_id(self._number))
            return
        if self._before is None and block.previous_expires_at > self._clock.now():
            yield Finding(Kind.DELETED, "block", block_id(self._number))
        elif self._before is None:
            # A block outlives its events, so what is still there was not there when they were sealed.
            for key, _ in self._timeline.up_to(block.after):
                yield Finding(Kind.INSERTED, "event", key)

    def _block_before(self, block: Block) -> Block | None:
        document = self._documents.get(AUDIT_CHAIN, block_id(block.number - 1))
        return None if document is None else from_document(document)

    def _place(self, key: str, document: Document) -> Iterator[Finding]:
        """One block, where it stands."""
        try:
            block = from_document(document)
        except DamagedBlock:
            yield Finding(Kind.EDITED, "block", key)
            self._before, self._number = None, max(self._number, int(key) if key.isdecimal() else 0)
            return
        if key != block.id:
            yield Finding(Kind.REORDERED, "block", key)
            self._before, self._number = None, max(self._number, block.number)
            return
        if missing := max(0, block.number - self._number - 1):
            yield Finding(Kind.DELETED, "block", block_id(self._number + 1), missing)
            self._before = None
        yield from self._itself(block)
        yield from self._its_events(block)
        self.newest = self._before = block
        self._number = block.number

    def _itself(self, block: Block) -> Iterator[Finding]:
        if not self._follows(block):
            yield Finding(Kind.BROKEN_LINK, "block", block.id)
        if self._logged and block.number == self._logged.number and block.head != self._logged:
            yield Finding(Kind.REWRITTEN, "block", block.id)
        if block.sealed_at - block.until > MARGIN + _PATIENCE:
            yield Finding(Kind.SEALED_LATE, "block", block.id)

    def _follows(self, block: Block) -> bool:
        if block.number == 1:
            return (block.previous, block.after) == ("", DAWN)
        before = self._before
        return before is None or (block.previous, block.after) == (before.head.hash, before.until)

    def _its_events(self, block: Block) -> Iterator[Finding]:
        for _ in self._timeline.up_to(block.after):
            pass  # of a block that is missing or damaged, which is said already
        sealed = {event.id: event.digest for event in block.events}
        digests = set(sealed.values())
        seen = set()
        for key, event in self._timeline.up_to(block.until):
            self.events += 1
            seen.add(key)
            told = digest(event)
            if key not in sealed:
                yield Finding(Kind.INSERTED, "event", key)
            elif told != sealed[key]:
                yield Finding(Kind.REORDERED if told in digests else Kind.EDITED, "event", key)
        for event_id, expires_at in ((event.id, event.expires_at) for event in block.events if event.id not in seen):
            if self._documents.get(AUDIT, event_id) is not None:
                yield Finding(Kind.REORDERED, "event", event_id)
            elif expires_at is None or expires_at > self._clock.now():
                yield Finding(Kind.DELETED, "event", event_id)

    def _tail(self) -> Iterator[Finding]:
        overdue = [key for key, _ in self._timeline.up_to(self._clock.now() - MARGIN - _PATIENCE)]
        if overdue:
            yield Finding(Kind.UNSEALED, "event", overdue[0], len(overdue))


class _Timeline:
    """The events in order of time, read as far as they are asked for."""

    def __init__(self, documents: Documents, after: datetime) -> None:
        self._documents = documents
        self._after = after
        self._page: deque[tuple[str, Document]] = deque()

    def up_to(self, instant: datetime) -> Iterator[tuple[str, Document]]:
        """Those that nobody has had yet."""
        while (self._page or self._read()) and self._page[0][1]["at"] <= instant:
            yield self._page.popleft()

    def _read(self) -> bool:
        self._page.extend(events_after(self._documents, self._after, _EVENTS_A_PAGE))
        if self._page:
            self._after = self._page[-1][1]["at"]
        return bool(self._page)
