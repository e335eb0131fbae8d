"""Two teachers, or one twice, over one student: one batch at a time has an account, and the other is told of it."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secciones.domain.batches import BatchState
from secciones.domain.errors import DirectoryUnavailable, LeaseLost, MailRefused, Unavailable
from secciones.domain.outcomes import Outcome
from secciones.services.batches import LEASE, take_lease
from secciones.services.claims import ResetWaits, claim_accounts
from secciones.services.run_batch import run_batch
from secciones.services.sessions import Session
from tests.support.fakes import nothing
from tests.support.world import COLLEAGUE, SESSION, WAITS, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return shared_world(tmp_path)


def shared_world(folder: Path, students: int = 3) -> World:
    world = World.in_folder(folder, students)
    world.share()
    return world


def outcomes(world: World, batch_id: str) -> list[Outcome]:
    return [row.outcome for row in world.batch(batch_id).rows]


def test_what_a_colleague_reset_is_left_alone_and_the_second_teacher_is_told_by_whom_and_when(world: World) -> None:
    first = world.submit("e-0", "e-1")
    world.work(first)
    reset_at = world.clock.now()
    world.clock.advance(hours=2)
    second = world.submit(session=COLLEAGUE)
    world.work(second)

    assert outcomes(world, second) == [Outcome.RESET_BY_COLLEAGUE] * 2 + [Outcome.CHANGED]
    told = world.batch(second).rows[0]
    assert (told.reset_by, told.reset_at) == (SESSION.name, reset_at)
    assert world.batch(second).state is BatchState.MAILED
    assert [account_id for account_id, _ in world.directory.passwords] == ["g-0", "g-1", "g-2"]
    assert f"g-0 {world.directory.held()['g-0']}" not in world.mailer.sent[1].text


def test_a_batch_that_is_still_running_keeps_its_accounts(world: World) -> None:
    first = world.submit("e-0")
    second = world.submit("e-0", session=COLLEAGUE)

    def once(_: str) -> None:  # in the middle of the first batch's change
        world.directory.after = nothing
        world.work(second)

    world.directory.after = once
    world.work(first)
    assert outcomes(world, first) == [Outcome.CHANGED]
    assert outcomes(world, second) == [Outcome.RESET_BY_COLLEAGUE]
    assert len(world.directory.passwords) == 1


def test_a_teachers_own_reset_waits_a_day_too(world: World) -> None:
    world.work(world.submit("e-0", nonce="a" * 43))
    world.clock.advance(hours=23, minutes=59)
    again = world.submit("e-0", nonce="b" * 43)
    world.work(again)
    assert outcomes(world, again) == [Outcome.RESET_BY_YOU]
    world.clock.advance(minutes=2)
    tomorrow = world.submit("e-0", nonce="c" * 43)
    world.work(tomorrow)
    assert outcomes(world, tomorrow) == [Outcome.CHANGED]


@pytest.mark.parametrize("session", [SESSION, COLLEAGUE])
def test_a_reset_whose_mail_never_arrived_keeps_nobody_from_another(world: World, session: Session) -> None:
    world.mailer.failure = MailRefused("invalidArgument")
    world.work(world.submit("e-0", nonce="a" * 43))
    world.mailer.failure = None
    again = world.submit("e-0", nonce="b" * 43, session=session)
    world.work(again)
    assert outcomes(world, again) == [Outcome.CHANGED]


def test_an_account_that_google_refused_to_change_is_anybodys(world: World) -> None:
    world.directory.refused = {"g-0"}
    world.work(world.submit("e-0", nonce="a" * 43))
    world.directory.refused = set()
    again = world.submit("e-0", session=COLLEAGUE)
    world.work(again)
    assert outcomes(world, again) == [Outcome.CHANGED]


def test_an_unconfirmed_change_may_be_made_anew_at_once(world: World) -> None:
    batch_id = world.submit("e-0", nonce="a" * 43)
    world.directory.after = fails
    with contextlib.suppress(Unavailable):
        world.work(batch_id)
    world.directory.after = nothing
    world.clock.advance(hours=1)
    world.work(batch_id)
    assert outcomes(world, batch_id) == [Outcome.UNCONFIRMED]
    again = world.submit("e-0", nonce="b" * 43)
    world.work(again)
    assert outcomes(world, again) == [Outcome.CHANGED]


def fails(_: str) -> None:
    raise DirectoryUnavailable("backendError")


def test_without_waits_the_second_changes_it_and_is_told_whose_password_works_no_more(world: World) -> None:
    none = replace(world.worker, waits=ResetWaits(timedelta(), timedelta()))
    told = []
    for nonce, session in (("a", SESSION), ("b", SESSION), ("c", COLLEAGUE)):
        batch_id = world.submit("e-0", nonce=nonce * 43, session=session)
        run_batch(none, batch_id)
        assert outcomes(world, batch_id) == [Outcome.CHANGED]
        told.append(world.batch(batch_id).rows[0].reset_by)
        world.clock.advance(seconds=1)
    assert told == ["", "", SESSION.name]


def test_a_worker_without_the_lease_claims_nothing(world: World) -> None:
    held, _ = take_lease(world.documents, world.clock, world.submit("e-0"))
    world.clock.advance(minutes=3)
    take_lease(world.documents, world.clock, held.id)
    with pytest.raises(LeaseLost):
        claim_accounts(world.documents, world.clock, held, held.rows, WAITS, LEASE)


@given(st.sets(st.integers(0, 5), min_size=1), st.sets(st.integers(0, 5), min_size=1))
def test_two_teachers_at_once_never_set_two_passwords_on_one_account(mine: set[int], theirs: set[int]) -> None:
    with TemporaryDirectory() as folder:
        world = shared_world(Path(folder), students=6)
        chosen = {SESSION: mine, COLLEAGUE: theirs}
        batches = {
            session: world.submit(*(f"e-{number}" for number in numbers), session=session)
            for session, numbers in chosen.items()
        }
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(world.work, batches.values()))

        changed = [account_id for account_id, _ in world.directory.passwords]
        assert sorted(changed) == sorted({f"g-{number}" for number in mine | theirs})
        mails = {mail.to: mail.text for mail in world.mailer.sent}
        for session, numbers in chosen.items():
            batch = world.batch(batches[session])
            got = {row.account_id for row in batch.rows_with(Outcome.CHANGED)}
            told = {row.account_id for row in batch.rows_with(Outcome.RESET_BY_COLLEAGUE)}
            assert got | told == {f"g-{number}" for number in numbers}
            for account_id in got:
                assert world.directory.held()[account_id] in mails[session.address]
