"""The chain over the audit: honest histories, however racy, agree with it; any tampering whatever does not.

Taken out one at a time, each guard of services/audit_chain.py and services/verify_audit.py turns tests here red: the
margin (inserted), whole instants (deleted), the digest of every field (an edit), the link and the block's own hash (a
block), numbers (a missing block), the expiry of the block before (a missing beginning), the logged head (a chain
made anew), the time of sealing (the same without a head), the wait for what is unsealed (a cut tail).
"""

import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from secciones.adapters.sqlite import SqliteDocuments
from secciones.domain.audit_chain import DamagedBlock, block_id, digest, next_block, to_document
from secciones.services import audit_chain, verify_audit
from secciones.services.audit_chain import AUDIT, AUDIT_CHAIN, MARGIN
from secciones.services.verify_audit import Kind
from tests.support.audited import RETENTION, Audited
from tests.support.fakes import FakeClock

A_MINUTE = timedelta(minutes=1)
A_MICROSECOND = timedelta(microseconds=1)

wrong = st.integers(-10, 10)
# Minutes until then, how many events at once on whose clock, and how the two sweepers come.
steps = st.tuples(st.integers(0, 20), st.integers(1, 5), wrong, wrong, wrong, st.booleans())
histories = st.lists(steps, min_size=4, max_size=12)


@pytest.fixture(autouse=True, scope="module")
def small_pages() -> Iterator[None]:
    """So that few events make many blocks and pages."""
    with (
        mock.patch.object(audit_chain, "_EVENTS_A_BLOCK", 3),
        mock.patch.object(verify_audit, "_EVENTS_A_PAGE", 4),
        mock.patch.object(verify_audit, "_BLOCKS_A_PAGE", 2),
    ):
        yield


@pytest.fixture
def audited(tmp_path: Path) -> Audited:
    """Nine events, two of them of one instant, in four blocks."""
    clock = FakeClock()
    made = Audited(SqliteDocuments(tmp_path / "audit.sqlite", clock.now), clock)
    for events in (1, 1, 2, 1, 1, 1, 1, 1):
        clock.advance(seconds=7)
        made.happen(events)
    made.seal_all()
    assert len(made.blocks()) > 3
    return made


def lived(folder: str, history: list[tuple[int, int, int, int, int, bool]]) -> Audited:
    """All of a history, sealed."""
    clock = FakeClock()
    audited = Audited(SqliteDocuments(Path(folder) / "audit.sqlite", clock.now), clock)
    for minutes, events, machine, first, second, at_once in history:
        clock.advance(minutes=minutes)
        audited.happen(events, machine)
        if at_once:
            audited.seal_at_once(first, second)
        else:
            audited.seal(first)
            audited.seal(second)
    audited.seal_all()
    assert sorted(audited.sealed()) == sorted(audited.events())
    return audited


class TestHonestHistories:
    @given(history=histories, age=st.floats(0, 6 * 24), since=st.none() | st.floats(0, 6 * 24))
    def test_agree_with_their_chain_while_and_after_they_expire(
        self, history: list[tuple[int, int, int, int, int, bool]], age: float, since: float | None
    ) -> None:
        with tempfile.TemporaryDirectory() as folder:
            audited = lived(folder, history)
            logged = audited.heads[len(audited.heads) // 2]
            audited.clock.advance(hours=age)
            from_then = None if since is None else audited.clock.now() - timedelta(hours=since)
            for head in (None, logged):
                if head is None or audited.blocks():  # else all that could bear the head out has expired
                    assert audited.verdict(head, from_then).findings == ()

    @given(history=histories)
    def test_have_every_event_in_one_block_and_blocks_that_follow_one_another(
        self, history: list[tuple[int, int, int, int, int, bool]]
    ) -> None:
        with tempfile.TemporaryDirectory() as folder:
            audited = lived(folder, history)
            blocks = audited.blocks()
            assert len(set(audited.sealed())) == len(audited.sealed())
            assert [block.number for block in blocks] == list(range(1, len(blocks) + 1))
            assert [block.previous for block in blocks[1:]] == [block.head.hash for block in blocks[:-1]]
            assert audited.heads[-1] == blocks[-1].head
            expiries = [block.expires_at for block in blocks]
            assert expiries == sorted(expiries)

    def test_are_clean_at_any_moment_of_their_growth(self, tmp_path: Path) -> None:
        clock = FakeClock()
        audited = Audited(SqliteDocuments(tmp_path / "audit.sqlite", clock.now), clock)
        assert audited.verdict() == verify_audit.Verdict((), 0, 0, None, is_complete=True)
        for hour in range(5 * 24):  # longer than anything is kept
            clock.advance(minutes=60)
            audited.happen()
            audited.seal()
            if hour % 10 == 0:
                assert audited.verdict(audited.heads[-1] if audited.heads else None).findings == ()
        assert audited.blocks()[0].number > 1

    def test_what_is_younger_than_the_margin_waits(self, audited: Audited) -> None:
        audited.happen()
        audited.clock.time += MARGIN - A_MICROSECOND
        assert audited.seal() is None
        audited.clock.time += A_MICROSECOND
        head = audited.seal()
        assert head is not None
        assert head == audited.blocks()[-1].head

    def test_an_instant_with_more_events_than_a_block_may_have_is_one_block(self, audited: Audited) -> None:
        audited.happen(10)
        audited.seal_all()
        assert len(audited.blocks()[-1].events) == 10
        assert audited.found() == []

    def test_a_sweep_makes_so_many_blocks_and_the_next_one_goes_on(self, audited: Audited) -> None:
        for _ in range(30):
            audited.happen(3)
            audited.clock.advance(seconds=1)
        audited.clock.time += MARGIN
        before = len(audited.blocks())
        audited.seal()
        assert len(audited.blocks()) == before + 20
        audited.seal()
        assert audited.sealed()[-1] in audited.events()
        assert audited.found() == []

    def test_the_head_goes_to_the_log_when_it_has_moved(
        self, audited: Audited, log_lines: list[dict[str, Any]]
    ) -> None:
        audited.seal()
        assert log_lines == []
        audited.happen()
        audited.seal_all()
        head = audited.blocks()[-1].head
        (line,) = [line for line in log_lines if line["message"].startswith("audit chain")]
        assert line["severity"] == "INFO"
        assert line["audit"] == {"kind": "seal", "outcome": "sealed", "number": head.number, "hash": head.hash}


def _edited(audited: Audited, data: st.DataObject) -> set[str]:
    event = data.draw(st.sampled_from(audited.sealed()))
    name = data.draw(st.sampled_from(sorted(audited.read(AUDIT, event))))
    old = audited.read(AUDIT, event)[name]
    match old:
        case str():
            new: Any = data.draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=5))
        case dict():
            new = old | {"closed": data.draw(st.integers(0, 5) | st.just(True) | st.just("0"))}
        case _:
            new = old + data.draw(st.sampled_from([-1, 1])) * data.draw(st.sampled_from([A_MICROSECOND, RETENTION * 3]))
    if digest({name: old}) == digest({name: new}):
        new = None
    audited.edit(AUDIT, event, **{name: new})
    return {event}


def _extended(audited: Audited, data: st.DataObject) -> set[str]:
    event = data.draw(st.sampled_from(audited.sealed()))
    audited.edit(AUDIT, event, note="new")
    return {event}


def _deleted(audited: Audited, data: st.DataObject) -> set[str]:
    event = data.draw(st.sampled_from(audited.sealed()))
    audited.delete(AUDIT, event)
    return {event}


def _swapped(audited: Audited, data: st.DataObject) -> set[str]:
    events = data.draw(st.lists(st.sampled_from(audited.sealed()), min_size=2, max_size=2, unique=True))
    one, other = (audited.read(AUDIT, event) for event in events)
    assume(one != other)  # twins can change places as they like
    audited.swap(AUDIT, *events)
    return set(events)


def _inserted(audited: Audited, data: st.DataObject) -> set[str]:
    like = audited.read(AUDIT, data.draw(st.sampled_from(audited.sealed())))
    audited.write(AUDIT, "forged", like | {"at": like["at"] - data.draw(st.sampled_from([timedelta(), 9 * A_MINUTE]))})
    return {"forged"}


def _block_deleted(audited: Audited, data: st.DataObject) -> set[str]:
    block = data.draw(st.sampled_from(audited.blocks()[:-1] or audited.blocks()))
    audited.delete(AUDIT_CHAIN, block.id)
    return {block.id}


def _block_edited(audited: Audited, data: st.DataObject) -> set[str]:
    block = data.draw(st.sampled_from(audited.blocks()))
    stored = audited.read(AUDIT_CHAIN, block.id)
    name = data.draw(st.sampled_from(sorted(stored)))
    new: dict[type, Any] = {int: 77, str: "0" * 64, list: stored["events"][1:]}
    audited.edit(AUDIT_CHAIN, block.id, **{name: new.get(type(stored[name]), audited.clock.now() + A_MINUTE)})
    return {block.id}


def _block_edited_with_its_hash(audited: Audited, data: st.DataObject) -> set[str]:
    """Whoever deletes an event from its block too, and makes the block's hash anew."""
    block = data.draw(st.sampled_from(audited.blocks()))
    stored = audited.read(AUDIT_CHAIN, block.id)
    gone = data.draw(st.sampled_from(stored["events"]))
    stored["events"].remove(gone)
    del stored["hash"]
    stored["count"] -= 1
    audited.write(AUDIT_CHAIN, block.id, stored | {"hash": digest(stored)})
    audited.delete(AUDIT, gone["id"])
    return {block.id, block_id(block.number + 1)}  # by the next one's link, or by the logged head


def _blocks_swapped(audited: Audited, data: st.DataObject) -> set[str]:
    blocks = audited.blocks()
    one, other = data.draw(st.lists(st.sampled_from(blocks), min_size=2, max_size=2, unique_by=lambda block: block.id))
    audited.swap(AUDIT_CHAIN, one.id, other.id)
    return {one.id, other.id}


def _cut(audited: Audited, data: st.DataObject) -> set[str]:
    blocks = audited.blocks()
    first = data.draw(st.integers(0, len(blocks) - 1))
    audited.delete(AUDIT_CHAIN, *(block.id for block in blocks[first:]))
    return {blocks[-1].id}


def _made_anew(audited: Audited, data: st.DataObject) -> set[str]:
    """An event is gone, and all blocks from its own on are made as if it had never been."""
    head = audited.blocks()[-1]
    _cut(audited, data)
    sealed = audited.sealed()
    audited.delete(AUDIT, data.draw(st.sampled_from([key for key in audited.events() if key not in sealed])))
    audited.seal()
    return {head.id}


@given(
    history=histories,
    tamper=st.sampled_from(
        [
            _edited,
            _extended,
            _deleted,
            _swapped,
            _inserted,
            _block_deleted,
            _block_edited,
            _block_edited_with_its_hash,
            _blocks_swapped,
            _cut,
            _made_anew,
        ]
    ),
    data=st.data(),
)
@settings(max_examples=800)
def test_any_tampering_with_any_history_is_found(history: Any, tamper: Any, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        audited = lived(folder, history)
        if len(audited.blocks()) < 2:
            for _ in range(2):
                audited.clock.advance(minutes=1)
                audited.happen(4)
            audited.seal_all()
        logged = audited.heads[-1]
        touched = tamper(audited, data)
        assert touched & {key for _, key in audited.found(logged)}


class TestWhatIsFound:
    """Each by its name, and nothing beside it."""

    def test_a_deleted_event(self, audited: Audited) -> None:
        event = audited.sealed()[4]
        audited.delete(AUDIT, event)
        assert audited.found() == [("deleted", event)]

    def test_an_event_that_hides_behind_its_expiry(self, audited: Audited) -> None:
        event = audited.sealed()[4]
        audited.edit(AUDIT, event, expires_at=audited.clock.now())
        assert audited.found() == [("deleted", event)]

    @pytest.mark.parametrize("change", [{"outcome": "failed"}, {"details": {"closed": "0"}}, {"actor": ""}], ids=str)
    def test_an_edited_event(self, audited: Audited, change: dict[str, Any]) -> None:
        event = audited.sealed()[4]
        audited.edit(AUDIT, event, **change)
        assert audited.found() == [("edited", event)]

    def test_an_event_that_is_written_again_as_it_was_is_none(self, audited: Audited) -> None:
        event = audited.sealed()[4]
        content = audited.read(AUDIT, event)
        audited.delete(AUDIT, event)
        audited.write(AUDIT, event, dict(reversed(content.items())))
        assert audited.found() == []

    def test_an_event_at_another_time(self, audited: Audited) -> None:
        event = audited.sealed()[0]
        audited.edit(AUDIT, event, at=audited.clock.now())
        assert audited.found() == [("reordered", event)]

    def test_events_of_a_block_that_have_changed_places(self, audited: Audited) -> None:
        one, other = (event.id for event in audited.blocks()[0].events[:2])
        audited.swap(AUDIT, one, other)
        assert sorted(audited.found()) == sorted([("reordered", one), ("reordered", other)])

    @pytest.mark.parametrize("where", [0, 4, 8])
    def test_an_event_in_the_past(self, audited: Audited, where: int) -> None:
        like = audited.read(AUDIT, audited.sealed()[where])
        audited.write(AUDIT, "forged", like)
        assert audited.found() == [("inserted", "forged")]

    def test_an_event_before_all_that_is_kept(self, audited: Audited) -> None:
        audited.clock.advance(days=1)
        audited.happen()
        audited.seal_all()
        audited.clock.time = audited.blocks()[-2].expires_at
        (block,) = audited.blocks()
        assert block.number > 1
        assert audited.found() == []
        audited.write(AUDIT, "forged", {"at": block.after})
        assert audited.found() == [("inserted", "forged")]

    def test_a_missing_block(self, audited: Audited) -> None:
        for number in (2, 1):
            audited.delete(AUDIT_CHAIN, block_id(number))
        assert audited.verdict().findings == (verify_audit.Finding(Kind.DELETED, "block", block_id(2)),)

    def test_a_missing_beginning(self, audited: Audited) -> None:
        """Only the expiry that the next block names tells it from one that has expired."""
        audited.delete(AUDIT_CHAIN, block_id(1))
        assert audited.found() == [("deleted", block_id(1))]

    def test_a_block_that_does_not_follow(self, audited: Audited) -> None:
        first, second = audited.blocks()[:2]
        events = {key: audited.read(AUDIT, key) for key in (event.id for event in first.events[1:])}
        forged = next_block(None, events, first.sealed_at)
        audited.write(AUDIT_CHAIN, first.id, to_document(forged))
        assert ("broken_link", second.id) in audited.found()

    def test_a_chain_that_is_cut_off_with_a_head_from_the_log_at_once(self, audited: Audited) -> None:
        last = audited.blocks()[-1]
        audited.delete(AUDIT_CHAIN, last.id)
        assert ("truncated", last.id) in audited.found(logged=last.head)

    def test_a_chain_that_is_cut_off_without_a_head_by_what_is_old_and_in_no_block(self, audited: Audited) -> None:
        last = audited.blocks()[-1]
        audited.clock.advance(hours=2)
        assert audited.found() == []
        audited.delete(AUDIT_CHAIN, last.id)
        (finding,) = audited.verdict().findings
        assert (finding.kind, finding.id, finding.count) == (Kind.UNSEALED, last.events[0].id, len(last.events))

    def test_a_whole_chain_that_is_gone(self, audited: Audited) -> None:
        blocks = audited.blocks()
        audited.clock.advance(hours=2)
        audited.delete(AUDIT_CHAIN, *(block.id for block in blocks))
        assert [kind for kind, _ in audited.found(blocks[1].head)] == ["truncated", "unsealed"]

    def test_a_chain_that_is_made_anew_by_the_logged_head_and_without_it_by_its_lateness(
        self, audited: Audited
    ) -> None:
        logged = audited.blocks()[-1].head
        audited.clock.advance(hours=2)
        audited.delete(AUDIT_CHAIN, *(block.id for block in audited.blocks()[1:]))
        audited.delete(AUDIT, audited.events().popitem()[0])
        audited.seal()
        assert {kind for kind, _ in audited.found(logged)} >= {"sealed_late"}
        assert {kind for kind, _ in audited.found(logged)} & {"rewritten", "truncated"}
        assert {kind for kind, _ in audited.found()} == {"sealed_late"}

    def test_damage_of_a_block_hides_nothing_behind_it(self, audited: Audited) -> None:
        block, after = audited.blocks()[1:3]
        later = after.events[0].id
        audited.edit(AUDIT_CHAIN, block.id, count=99)
        audited.delete(AUDIT, later)
        assert audited.found() == [("edited", block.id), ("deleted", later)]

    def test_only_the_blocks_from_a_moment_on_when_asked_for(self, audited: Audited) -> None:
        blocks = audited.blocks()
        audited.delete(AUDIT, audited.sealed()[0])
        since = blocks[1].until
        verdict = audited.verdict(since=since)
        assert (verdict.findings, verdict.blocks, verdict.head) == ((), len(blocks) - 2, blocks[-1].head)
        assert [finding.kind for finding in audited.verdict(blocks[0].head, since).findings] == [Kind.DELETED]

    def test_so_many_that_it_stops(self, audited: Audited) -> None:
        audited.delete(AUDIT, *audited.sealed())
        with mock.patch.object(verify_audit, "_MOST_FINDINGS", 5):
            verdict = audited.verdict()
        assert (len(verdict.findings), verdict.is_complete) == (5, False)


class TestForgedDocuments:
    """Whoever may create can litter, but neither stop the sealing unseen nor the audit."""

    @pytest.mark.parametrize("at", [1, "1", "zzz", b"", True, {"a": 1}, [1]], ids=str)
    def test_an_event_without_a_time_is_none(self, audited: Audited, at: Any) -> None:
        for number in range(5):
            audited.write(AUDIT, f"forged-{number}", {"at": at})
        audited.happen(4)
        audited.seal_all()
        assert audited.found() == []
        assert not {key for key in audited.sealed() if key.startswith("forged")}

    def test_an_event_that_lives_for_ever_or_is_of_odd_things_is_sealed_all_the_same(self, audited: Audited) -> None:
        now = audited.clock.now()
        for key, expires_at in {"a": now.replace(year=9999), "b": None, "c": "x", "d": 1}.items():
            audited.write(AUDIT, key, {"at": now, "expires_at": expires_at, "odd": [b"\x00", {"n": None}, 1.5, now]})
        audited.seal_all()
        assert set(audited.sealed()) >= {"a", "b", "c", "d"}
        assert audited.found() == []
        assert audited.blocks()[-1].expires_at.year < 2050

    def test_what_stands_in_the_next_blocks_place_stops_the_sealing_and_says_so(self, audited: Audited) -> None:
        audited.happen()
        audited.clock.time += MARGIN
        audited.write(AUDIT_CHAIN, block_id(audited.blocks()[-1].number + 1), {"n": 1})
        with pytest.raises(DamagedBlock):
            audited.seal()

    @pytest.mark.parametrize("number", [99, "99", 10**15, 5.5, 1, 2], ids=str)
    def test_what_looks_like_a_block_is_found(self, audited: Audited, number: Any) -> None:
        audited.write(AUDIT_CHAIN, "forged", audited.read(AUDIT_CHAIN, block_id(1)) | {"number": number})
        (found,) = audited.found()
        assert found in {("edited", "forged"), ("reordered", "forged")}

    def test_a_copy_of_a_block_is_found(self, audited: Audited) -> None:
        audited.write(AUDIT_CHAIN, "copy", audited.read(AUDIT_CHAIN, block_id(2)))
        assert ("reordered", "copy") in audited.found()
