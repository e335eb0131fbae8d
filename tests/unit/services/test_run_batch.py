"""A batch comes to its end, whatever happens on the way."""

import contextlib
import threading
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secciones.domain.accounts import Account
from secciones.domain.batches import BatchState
from secciones.domain.errors import (
    BatchNotFound,
    DirectoryUnavailable,
    LeaseHeld,
    LeaseLost,
    MailRefused,
    MailUnavailable,
    SealerUnavailable,
)
from secciones.domain.outcomes import Outcome
from secciones.services.batches import LEASE, SEALS, LeaseWatch, checkpoint, release_lease, take_lease
from tests.support.world import DOMAIN, World, account, student


class Killed(BaseException):
    """The process ends here, and nothing of it runs any more."""


def killed(_: str) -> None:
    raise Killed


def outcomes(world: World, batch_id: str) -> list[Outcome]:
    return [row.outcome for row in world.batch(batch_id).rows]


def test_every_account_gets_its_own_password_and_the_mail_carries_them_all(world: World) -> None:
    batch_id = world.submit()
    world.work(batch_id)

    batch = world.batch(batch_id)
    assert batch.state is BatchState.MAILED
    assert outcomes(world, batch_id) == [Outcome.CHANGED] * 3
    held = world.directory.held()
    assert len(set(held.values())) == 3
    [mail] = world.mailer.sent
    assert mail.to == batch.teacher_address
    assert mail.text.splitlines() == [f"{row.address} {held[row.account_id]}" for row in batch.rows]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"is_administrator": True}, Outcome.ADMINISTRATOR),
        ({"is_administrator": True, "org_unit": "/Docentes"}, Outcome.ADMINISTRATOR),
        ({"org_unit": "/Docentes"}, Outcome.NOT_A_STUDENT),
        ({"org_unit": "/Estudiantes-retirados"}, Outcome.NOT_A_STUDENT),
        ({"org_unit": "/"}, Outcome.NOT_A_STUDENT),
        ({"is_suspended": True}, Outcome.SUSPENDED),
        ({"address": f"otra.persona@{DOMAIN}"}, Outcome.ALIAS),
    ],
)
def test_an_account_that_is_no_active_students_is_never_changed(
    world: World, changes: dict[str, object], expected: Outcome
) -> None:
    world.directory.accounts[account(1).address] = account(1, **changes)
    batch_id = world.submit()
    world.work(batch_id)

    assert outcomes(world, batch_id) == [Outcome.CHANGED, expected, Outcome.CHANGED]
    assert account(1).id not in world.directory.held()
    assert world.batch(batch_id).state is BatchState.MAILED


def test_accounts_that_do_not_exist_are_told_and_the_others_changed(world: World) -> None:
    del world.directory.accounts[account(0).address]
    batch_id = world.submit()
    world.work(batch_id)

    assert outcomes(world, batch_id) == [Outcome.NOT_FOUND, Outcome.CHANGED, Outcome.CHANGED]


def test_a_batch_of_which_nothing_can_be_changed_is_mailed_all_the_same(world: World) -> None:
    world.directory.accounts.clear()
    batch_id = world.submit()
    world.work(batch_id)

    assert world.batch(batch_id).state is BatchState.MAILED
    assert len(world.mailer.sent) == 1
    assert not world.directory.passwords


def test_an_address_of_two_students_is_changed_for_neither(world: World) -> None:
    world.enrol(student(0, f"misma@{DOMAIN}"), student(1, f"misma@{DOMAIN}"), student(2))
    batch_id = world.submit("e-0", "e-2")
    world.work(batch_id)

    assert outcomes(world, batch_id) == [Outcome.SHARED_ADDRESS, Outcome.CHANGED]


def test_nothing_is_changed_before_every_account_was_looked_at(world: World) -> None:
    batch_id = world.submit()
    world.directory.is_down = True
    with pytest.raises(DirectoryUnavailable):
        world.work(batch_id)

    assert not world.directory.passwords
    world.directory.is_down = False
    world.work(batch_id)
    assert world.batch(batch_id).state is BatchState.MAILED


def test_an_account_that_google_refuses_does_not_keep_the_others_from_their_mail(world: World) -> None:
    world.directory.refused = {account(1).id}
    batch_id = world.submit()
    world.work(batch_id)

    assert outcomes(world, batch_id) == [Outcome.CHANGED, Outcome.REFUSED, Outcome.CHANGED]
    assert len(world.mailer.sent) == 1


def test_one_account_that_cannot_be_reached_is_tried_again_with_the_same_password(world: World) -> None:
    batch_id = world.submit()
    ill = account(1).id

    def before(account_id: str) -> None:
        if account_id == ill:
            raise DirectoryUnavailable("backendError")

    world.directory.before = before
    with pytest.raises(DirectoryUnavailable):
        world.work(batch_id)
    assert not world.mailer.sent

    world.directory.before = lambda _: None
    world.work(batch_id)
    assert world.batch(batch_id).state is BatchState.MAILED
    assert set(world.directory.held()) == {account(number).id for number in range(3)}


def test_a_second_delivery_while_a_worker_has_the_batch_is_refused(world: World) -> None:
    batch_id = world.submit()
    take_lease(world.documents, world.clock, batch_id)
    with pytest.raises(LeaseHeld):
        world.work(batch_id)
    assert not world.directory.passwords


def test_a_worker_whose_lease_was_taken_over_writes_nothing_any_more(world: World) -> None:
    batch_id = world.submit()
    slow, _ = take_lease(world.documents, world.clock, batch_id)
    world.clock.advance(seconds=LEASE.total_seconds() + 1)
    take_lease(world.documents, world.clock, batch_id)

    with pytest.raises(LeaseLost):
        checkpoint(world.documents, world.clock, slow.stopped())
    assert outcomes(world, batch_id) == [Outcome.PENDING] * 3


def test_a_worker_sees_within_seconds_that_its_lease_was_taken_over(world: World) -> None:
    batch_id = world.submit()
    slow, _ = take_lease(world.documents, world.clock, batch_id)
    watch = LeaseWatch(world.documents, world.clock, slow, world.clock.now())
    watch.require_lease()
    world.clock.advance(seconds=LEASE.total_seconds() + 1)
    take_lease(world.documents, world.clock, batch_id)

    with pytest.raises(LeaseLost):
        watch.require_lease()


@pytest.mark.parametrize("seconds", [4.0, -1.0])
def test_the_sight_of_a_lease_does_not_last_nor_outlive_a_clock_that_is_set_back(world: World, seconds: float) -> None:
    batch_id = world.submit()
    slow, _ = take_lease(world.documents, world.clock, batch_id)
    watch = LeaseWatch(world.documents, world.clock, slow, world.clock.now())
    watch.require_lease()
    release_lease(world.documents, slow)
    take_lease(world.documents, world.clock, batch_id)
    watch.require_lease()  # seen a moment ago: what is under way ends within the next worker's wait

    world.clock.advance(seconds=seconds)
    with pytest.raises(LeaseLost):
        watch.require_lease()


def test_a_duplicate_delivery_after_the_end_changes_and_mails_nothing(world: World) -> None:
    batch_id = world.submit()
    world.work(batch_id)
    before = list(world.directory.passwords)
    world.work(batch_id)

    assert world.directory.passwords == before
    assert len(world.mailer.sent) == 1


def test_a_worker_killed_in_the_middle_of_a_change_is_followed_by_one_that_sets_the_same_passwords(
    world: World,
) -> None:
    batch_id = world.submit()
    world.directory.after = killed
    with pytest.raises(Killed):
        world.work(batch_id)
    world.directory.after = lambda _: None
    world.clock.advance(minutes=3)
    world.work(batch_id)

    values = defaultdict(set)
    for account_id, password in world.directory.passwords:
        values[account_id].add(password)
    assert all(len(passwords) == 1 for passwords in values.values())
    assert world.batch(batch_id).state is BatchState.MAILED


def test_a_mail_whose_answer_was_lost_is_sent_again_with_the_same_content(world: World) -> None:
    batch_id = world.submit()
    world.mailer.loses_the_answer = True
    with pytest.raises(MailUnavailable):
        world.work(batch_id)
    assert world.batch(batch_id).state is BatchState.UPDATED

    world.mailer.loses_the_answer = False
    changed = list(world.directory.passwords)
    world.work(batch_id)
    first, second = world.mailer.sent
    assert first == second
    assert world.directory.passwords == changed, "after `updated` nothing is changed any more"


def test_a_mail_that_is_refused_for_good_ends_the_batch_visibly(world: World) -> None:
    batch_id = world.submit()
    world.mailer.failure = MailRefused("invalidArgument")
    world.work(batch_id)

    batch = world.batch(batch_id)
    assert (batch.state, batch.mail_failure) == (BatchState.PARTIAL, "invalidArgument")
    assert world.audit.outcomes("mail") == ["invalidArgument"]


def test_after_the_deadline_what_was_set_is_mailed_and_the_rest_is_said_to_be_unfinished(world: World) -> None:
    batch_id = world.submit()
    ill = account(1).id

    def before(account_id: str) -> None:
        if account_id == ill:
            raise DirectoryUnavailable("backendError")

    world.directory.before = before
    with pytest.raises(DirectoryUnavailable):
        world.work(batch_id)
    world.clock.advance(hours=1)
    world.work(batch_id)

    batch = world.batch(batch_id)
    assert batch.state is BatchState.PARTIAL
    assert outcomes(world, batch_id) == [Outcome.CHANGED, Outcome.UNCONFIRMED, Outcome.CHANGED]
    [mail] = world.mailer.sent
    assert len(mail.text.splitlines()) == 3, "the password that may have been set is in the mail too"


def test_a_batch_that_begins_after_its_deadline_changes_nothing(world: World) -> None:
    batch_id = world.submit()
    world.clock.advance(hours=1)
    world.work(batch_id)

    assert not world.directory.passwords
    assert world.batch(batch_id).state is BatchState.PARTIAL
    assert len(world.mailer.sent) == 1


def test_the_seed_is_opened_while_accounts_are_looked_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    both = threading.Barrier(2, timeout=5)
    world.enrol(student(0))
    find, open_seal = world.directory.find, world.sealer.open

    def finds(address: str) -> Account | None:
        both.wait()
        return find(address)

    def opens(sealed: bytes, context: str) -> bytes:
        both.wait()
        return open_seal(sealed, context)

    batch_id = world.submit("e-0")
    monkeypatch.setattr(world.directory, "find", finds)
    monkeypatch.setattr(world.sealer, "open", opens)
    world.work(batch_id)

    assert world.batch(batch_id).state is BatchState.MAILED


def test_a_seed_that_is_gone_ends_the_batch_before_anything_is_changed(world: World) -> None:
    batch_id = world.submit()
    world.documents.delete(SEALS, batch_id)
    world.work(batch_id)

    assert not world.directory.passwords
    assert (world.batch(batch_id).state, world.batch(batch_id).mail_failure) == (BatchState.PARTIAL, "seal_lost")


def test_a_sealed_seed_of_another_batch_opens_nothing(world: World) -> None:
    batch_id, other_id = world.submit(), world.submit(nonce="m" * 43)
    other = world.documents.get(SEALS, other_id)
    assert other is not None
    world.documents.transact(lambda transaction: transaction.set(SEALS, batch_id, other))
    world.work(batch_id)

    assert not world.directory.passwords
    assert world.batch(batch_id).mail_failure == "seal_lost"


def test_kms_that_does_not_answer_gives_the_batch_back_to_the_queue(world: World) -> None:
    batch_id = world.submit()
    world.sealer.is_down = True
    with pytest.raises(SealerUnavailable):
        world.work(batch_id)
    world.sealer.is_down = False
    world.work(batch_id)
    assert world.batch(batch_id).state is BatchState.MAILED


def test_an_unknown_batch_is_no_batch(world: World) -> None:
    with pytest.raises(BatchNotFound):
        world.work("a" * 26)


def test_no_password_and_no_seed_is_in_any_document_or_audit_event(world: World) -> None:
    batch_id = world.submit()
    world.work(batch_id)

    stored = repr(world.documents.get("batches", batch_id)) + repr(world.audit.events)
    assert not any(password in stored for password in world.directory.held().values())


def test_the_audit_tells_submit_accounts_and_mail_once(world: World) -> None:
    batch_id = world.submit()
    world.work(batch_id)
    world.work(batch_id)

    assert [(event.kind, event.outcome) for event in world.audit.events] == [
        ("submit", "accepted"),
        ("accounts", "complete"),
        ("mail", "accepted"),
    ]
    accounts = world.audit.events[1].details["accounts"]
    assert isinstance(accounts, list)
    assert [entry["outcome"] for entry in accounts] == ["changed"] * 3


@settings(max_examples=40, deadline=None)
@given(
    kills=st.lists(st.tuples(st.sampled_from(["before", "after", "mail"]), st.integers(0, 44)), max_size=4),
    students=st.integers(1, 45),
)
def test_wherever_workers_are_killed_each_account_has_one_password_and_the_mail_has_it(
    kills: list[tuple[str, int]], students: int
) -> None:
    with TemporaryDirectory() as folder:
        world = World.in_folder(Path(folder), students)
        batch_id = world.submit()
        for kill in [*kills, None]:
            _work_until(world, batch_id, kill)
            world.clock.advance(minutes=3)

        values = defaultdict(set)
        for account_id, password in world.directory.passwords:
            values[account_id].add(password)
        assert len(values) == students
        assert all(len(passwords) == 1 for passwords in values.values())
        assert world.batch(batch_id).state is BatchState.MAILED
        assert len({mail.text for mail in world.mailer.sent}) == 1
        mailed = dict(line.split() for line in world.mailer.sent[0].text.splitlines())
        assert mailed == {row.address: world.directory.held()[row.account_id] for row in world.batch(batch_id).rows}


def _work_until(world: World, batch_id: str, kill: tuple[str, int] | None) -> None:
    """Deliver the task, and kill the worker at the n-th account or when it mails."""
    where, at = kill or ("never", 0)

    def reaper(account_id: str) -> None:
        if account_id == f"g-{at}":
            raise Killed

    world.directory.before = reaper if where == "before" else lambda _: None
    world.directory.after = reaper if where == "after" else lambda _: None
    world.mailer.failure = MailUnavailable("timeout") if where == "mail" else None
    with contextlib.suppress(Killed, MailUnavailable):
        world.work(batch_id)
