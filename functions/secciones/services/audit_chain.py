"""Evidence: what is new in the audit is sealed into a chain of blocks, whose head goes to the log as well.

A block is a document of its own that is only ever created, so sealing needs no document that everyone writes. Whoever
changes, adds or removes an event afterwards contradicts its block; whoever changes a block contradicts the next one;
and whoever makes the whole chain anew contradicts the head that the log has kept.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from secciones import logs
from secciones.domain.audit_chain import (
    DAWN,
    Block,
    DamagedBlock,
    Head,
    block_id,
    from_document,
    next_block,
    to_document,
)
from secciones.ports.clock import Clock
from secciones.ports.documents import Document, Documents

AUDIT = "audit"  # the audit log's own collection
AUDIT_CHAIN = "audit_chain"

# Whatever is younger may not be all there is of its time: two clocks that are ten minutes wrong are twenty apart, and
# a call may be under way.
MARGIN = timedelta(minutes=30)
# An id and a digest take up to 2 KB where a document may have 1 MiB.
_EVENTS_A_BLOCK = 400
# The next sweep comes within the minute.
_BLOCKS_A_SWEEP = 20


def seal_new_events(documents: Documents, clock: Clock) -> Head | None:
    """Seal what is older than the margin; the chain's head and a line in the log when this call has moved it.

    `documents` is the audit's store, in which this creates and reads. Raises DocumentsUnavailable, and DamagedBlock
    when there is no sound block to go on from; what is sealed by then stays, and the next call goes on.
    """
    newest, made = _newest(documents), None
    for _ in range(_BLOCKS_A_SWEEP):
        events = _ripe(documents, newest, clock.now())
        if not events:
            break
        block = next_block(newest, dict(events), clock.now())
        if documents.create(AUDIT_CHAIN, block.id, to_document(block)):
            newest = made = block
        else:
            newest = _others(documents, block)
    if made is None:
        return None
    head = made.head
    logs.write("INFO", "audit chain: sealed", audit={"kind": "seal", "outcome": "sealed"} | head._asdict())
    return head


def events_after(documents: Documents, after: datetime, at_most: int) -> Sequence[tuple[str, Document]]:
    """A page of the events behind an instant, in order of time; empty only when there are no more.

    What has no time at all is no event: it is in order behind all that have one.
    """
    page = page_after(documents, AUDIT, "at", after, at_most)
    return [(key, event) for key, event in page if isinstance(event["at"], datetime)]


def page_after(
    documents: Documents, collection: str, order_by: str, after: int | datetime, at_most: int
) -> Sequence[tuple[str, Document]]:
    """What comes behind a value, of each value all or nothing: more than `at_most` only if all is of one value."""
    while True:
        found = documents.query(collection, {}, order_by, at_most, after=after)
        if len(found) < at_most:
            return found
        last = found[-1][1][order_by]
        if whole := [(key, document) for key, document in found if document[order_by] != last]:
            return whole
        at_most *= 2


def _newest(documents: Documents) -> Block | None:
    found = documents.query(AUDIT_CHAIN, {}, "number", 1, descending=True)
    return from_document(found[0][1]) if found else None


def _ripe(documents: Documents, newest: Block | None, now: datetime) -> list[tuple[str, Document]]:
    events = events_after(documents, newest.until if newest else DAWN, _EVENTS_A_BLOCK)
    return [(key, event) for key, event in events if event["at"] <= now - MARGIN]


def _others(documents: Documents, mine: Block) -> Block:
    """The block that stood where this one was to be made: a quicker sweeper's, if it follows the same one."""
    block = from_document(documents.get(AUDIT_CHAIN, mine.id) or {})
    if (block.number, block.previous, block.after) != (mine.number, mine.previous, mine.after):
        raise DamagedBlock(f"block {block_id(mine.number)} does not follow the one before it")
    return block
