"""A worker brings a batch to its end: look up, change, mail. It may be killed anywhere and begun again anywhere."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from secciones import logs
from secciones.domain.accounts import Account, refusal
from secciones.domain.batches import Batch, BatchState, Row
from secciones.domain.errors import ChangeRefused, DirectoryUnavailable, MailRefused, SealLost, Unavailable
from secciones.domain.outcomes import Outcome
from secciones.domain.passwords import derive_passwords
from secciones.ports.accounts import AccountDirectory, AccountListing, PasswordSetter
from secciones.ports.audit import AuditLog
from secciones.ports.clock import Clock
from secciones.ports.documents import Documents
from secciones.ports.mailer import Mailer, MailRenderer
from secciones.ports.sealer import Opener
from secciones.services.batch_events import mail_event, outcomes_event, resent_event
from secciones.services.batches import (
    LEASE,
    LeaseWatch,
    checkpoint,
    release_lease,
    take_lease,
)
from secciones.services.claims import ResetWaits, claim_accounts, claimed_rows
from secciones.services.earlier_resets import keep_resets
from secciones.services.look_in_units import look_in_units

# Accounts between two checkpoints. A group may be repeated without harm, so this only bounds the work done twice, and
# how far a teacher's bar jumps.
_GROUP = 120
# A section of 40 in two rounds of calls; at two seconds a call still enough for the worker's share of the quota.
_THREADS = 20

R = TypeVar("R")
T = TypeVar("T")


@dataclass(frozen=True)
class Worker:
    """What a worker works with."""

    documents: Documents
    directory: AccountDirectory
    listing: AccountListing
    passwords: PasswordSetter
    opener: Opener
    render: MailRenderer
    mailer: Mailer
    audit: AuditLog
    clock: Clock
    students_org_unit: str
    waits: ResetWaits
    lease: timedelta = LEASE


def run_batch(worker: Worker, batch_id: str) -> None:
    """Bring the batch to its end, or as far as the systems allow, or send its mail again; repeat it until it returns.

    Raises LeaseHeld or LeaseLost when another worker has the batch, BatchNotFound, and Unavailable when a system
    failed for now: what was reached by then is kept. While operators have paused all resets, that is ResetsPaused.
    """
    worker = replace(worker, documents=worker.documents.remembering())
    batch, sealed_seed = take_lease(worker.documents, worker.clock, batch_id, worker.lease)
    if not batch.has_work:
        return
    try:
        if batch.is_running:
            _finish(worker, batch, sealed_seed)
        else:
            _resend(worker, batch, sealed_seed)
    except Unavailable:
        release_lease(worker.documents, batch)
        raise


def _finish(worker: Worker, batch: Batch, sealed_seed: bytes | None) -> None:
    try:
        seed, batch = _open_and_look_up(worker, batch, sealed_seed)
    except SealLost:
        _close(worker, replace(batch.stopped(), mail_failure="seal_lost"))
        return
    if batch.state is BatchState.RUNNING:
        batch = _set_passwords(worker, batch, _passwords(seed, batch))
        batch = _checkpoint(worker, batch.stopped().moved_to(BatchState.UPDATED))
    worker.audit.record(outcomes_event(batch))
    try:
        worker.mailer.send(worker.render(batch, _passwords(seed, batch)))
    except MailRefused as error:
        _log_refused_mail(batch, error)
        batch = replace(batch, mail_failure=error.reason)
    else:
        batch = replace(batch, mailed_at=worker.clock.now())
    _close(worker, batch)


def _open_and_look_up(worker: Worker, batch: Batch, sealed_seed: bytes | None) -> tuple[bytes, Batch]:
    """The seed, and the batch with its accounts looked up; neither needs the other, and a teacher waits for both."""
    opened = partial(_open_seed, worker, batch, sealed_seed)
    if batch.state is not BatchState.RUNNING:
        return opened(), batch
    return _at_once(opened, partial(_look_up_accounts, worker, batch))


def _look_up_accounts(worker: Worker, batch: Batch) -> Batch:
    """Every account is looked at before the first is changed, so that the batch is whole or has not begun."""
    for group in _groups(batch.rows_with(Outcome.PENDING)):
        if _is_late(worker, batch):
            break
        seen = _seen_in_units(worker, batch, group)
        found = _in_parallel(partial(_looked_up, worker, batch, seen), group)
        batch = batch.with_rows(_by_student(found))
        # The last group is written with the claims, which are what follows at once.
        if batch.rows_with(Outcome.PENDING):
            batch = _checkpoint(worker, batch)
        _require_some_progress(found, Outcome.PENDING)
    _require_none_left(worker, batch, Outcome.PENDING)
    return batch


def _seen_in_units(worker: Worker, batch: Batch, rows: Sequence[Row]) -> dict[str, Account]:
    """Accounts that may be changed as far as a list tells, by address. Whoever is to be spared for a sign-in of late is
    not among them: that is what a list may not know yet."""
    if batch.spare_since:
        return {}
    unit, addresses = worker.students_org_unit, {row.address for row in rows}
    seen = look_in_units(worker.documents, worker.listing, unit, addresses)
    return {address: account for address, account in seen.items() if refusal(account, address, unit) is None}


def _looked_up(worker: Worker, batch: Batch, seen: dict[str, Account], row: Row) -> Row:
    try:
        account = seen.get(row.address) or worker.directory.find(row.address)
    except DirectoryUnavailable as error:
        return _unreached(row, error)
    if account is None:
        return replace(row, outcome=Outcome.NOT_FOUND)
    outcome = refusal(account, row.address, worker.students_org_unit)
    if outcome is None and _was_used_since(account, batch.spare_since):
        outcome = Outcome.SIGNED_IN
    if outcome is None:
        return replace(row, outcome=Outcome.READY, account_id=account.id)
    if outcome in {Outcome.ADMINISTRATOR, Outcome.NOT_A_STUDENT, Outcome.ALIAS}:
        logs.write(
            "ERROR",
            "SIGES names an account that is no student's; nothing was changed: have the school correct the record",
            batch=batch.id,
            student=row.student_id,
            account=row.address,
            outcome=outcome.value,
        )
    return replace(row, outcome=outcome)


def _was_used_since(account: Account, moment: datetime | None) -> bool:
    return moment is not None and account.last_sign_in is not None and account.last_sign_in > moment


def _set_passwords(worker: Worker, batch: Batch, passwords: dict[str, str]) -> Batch:
    for group in _groups(batch.rows_with(Outcome.CHANGING, Outcome.READY)):
        if _is_late(worker, batch):
            break
        before = worker.clock.now()
        batch = claim_accounts(worker.documents, worker.clock, batch, group, worker.waits, worker.lease)
        watch = LeaseWatch(worker.documents, worker.clock, batch, before)
        begun = {row.student_id for row in group if row.outcome is Outcome.CHANGING}
        in_group = {row.student_id for row in group}
        claimed = [row for row in batch.rows_with(Outcome.CHANGING) if row.student_id in in_group]
        changed = _in_parallel(partial(_changed, worker, watch, passwords, begun), claimed)
        batch = batch.with_rows(_by_student(changed))
        # The last group is written with the step to UPDATED, which is what follows at once.
        if batch.rows_with(Outcome.PENDING, Outcome.CHANGING, Outcome.READY):
            batch = _checkpoint(worker, batch)
        _require_some_progress(changed, Outcome.CHANGING)
    _require_none_left(worker, batch, Outcome.CHANGING, Outcome.READY)
    return batch


def _changed(worker: Worker, watch: LeaseWatch, passwords: dict[str, str], begun: Collection[str], row: Row) -> Row:
    """What became of an account; `begun` are the students whose change an earlier try has begun."""
    # Google knows no fence: a worker that was taken for dead must look itself.
    watch.require_lease()
    try:
        worker.passwords.set_temporary_password(row.account_id, passwords[row.account_id])
    except DirectoryUnavailable as error:
        return _unreached(row, error)
    except ChangeRefused as error:
        logs.write("WARNING", "Google refused to change an account", account=row.address, reason=error.reason)
        # Refused now, but an earlier try may have been made: the teacher is given that password, with the doubt.
        return replace(row, outcome=Outcome.UNCONFIRMED if row.student_id in begun else Outcome.REFUSED)
    return replace(row, outcome=Outcome.CHANGED)


def _unreached(row: Row, error: DirectoryUnavailable) -> Row:
    logs.write("WARNING", "an account was not reached and is tried again", account=row.address, reason=error.reason)
    return row


def _require_some_progress(rows: Sequence[Row], open_outcome: Outcome) -> None:
    # A whole group without one answer means that Google is down, not that an account is ill: come back later.
    if rows and all(row.outcome is open_outcome for row in rows):
        raise DirectoryUnavailable("no account of a group could be reached")


def _require_none_left(worker: Worker, batch: Batch, *outcomes: Outcome) -> None:
    if batch.rows_with(*outcomes) and not _is_late(worker, batch):
        raise DirectoryUnavailable("some accounts could not be reached")


def _is_late(worker: Worker, batch: Batch) -> bool:
    return worker.clock.now() >= batch.deadline


def _close(worker: Worker, batch: Batch) -> None:
    """Write the end of the batch, after the audit knows of it; the sweeper comes once more to destroy the seal."""
    if batch.mail_failure:
        worker.audit.record(outcomes_event(batch))
    worker.audit.record(mail_event(batch))
    _end(worker, batch.ended(worker.clock.now()), batch.rows_with(Outcome.CHANGED))


def _resend(worker: Worker, batch: Batch, sealed_seed: bytes | None) -> None:
    """The mail once more, to the byte."""
    failure = ""
    try:
        seed = _open_seed(worker, batch, sealed_seed)
        worker.mailer.send(worker.render(batch, _passwords(seed, batch)))
    except SealLost:
        failure = "seal_lost"
    except MailRefused as error:
        _log_refused_mail(batch, error)
        failure = error.reason
    worker.audit.record(resent_event(batch, failure))
    done = replace(batch, resends_done=batch.resends, resend_failure=failure, sweep_at=batch.sealed_until)
    if failure or batch.was_delivered:
        _checkpoint(worker, done)
        return
    delivered = replace(done, mailed_at=worker.clock.now(), mail_failure="")
    # While nobody had these passwords, others may have reset the same accounts.
    _end(worker, delivered, claimed_rows(worker.documents, batch, batch.rows_with(Outcome.CHANGED)))


def _end(worker: Worker, batch: Batch, changed: Sequence[Row]) -> None:
    """Write the batch together with what its mail, if there was one, has given to the teacher."""
    told = partial(keep_resets, batch=batch, rows=changed)
    checkpoint(worker.documents, worker.clock, batch, worker.lease, told)


def _log_refused_mail(batch: Batch, error: MailRefused) -> None:
    logs.write(
        "ERROR",
        "mail refused for good: see Google's reason, mend the sender, and tell the teacher to reset again",
        batch=batch.id,
        reason=error.reason,
    )


def _checkpoint(worker: Worker, batch: Batch) -> Batch:
    return checkpoint(worker.documents, worker.clock, batch, worker.lease)


def _open_seed(worker: Worker, batch: Batch, sealed_seed: bytes | None) -> bytes:
    try:
        if sealed_seed is None:
            raise SealLost
        return worker.opener.open(sealed_seed, batch.id)
    except (SealLost, ValueError) as error:
        logs.write(
            "CRITICAL",
            "the seed of a batch cannot be opened: its passwords are lost, and the teacher has to reset again",
            batch=batch.id,
        )
        raise SealLost from error


def _passwords(seed: bytes, batch: Batch) -> dict[str, str]:
    # All accounts that were found, whatever became of them: the same set from the first change to the last mail.
    return derive_passwords(seed, (row.account_id for row in batch.rows if row.account_id), batch.password_version)


def _groups(rows: Sequence[Row]) -> list[Sequence[Row]]:
    return [rows[start : start + _GROUP] for start in range(0, len(rows), _GROUP)]


def _by_student(rows: Sequence[Row]) -> dict[str, Row]:
    return {row.student_id: row for row in rows}


def _at_once(beside: Callable[[], T], here: Callable[[], R]) -> tuple[T, R]:
    with logs.threads(1) as pool:
        begun = pool.submit(beside)
        done = here()
        return begun.result(), done


def _in_parallel(work: Callable[[Row], R], rows: Sequence[Row]) -> list[R]:
    with logs.threads(_THREADS) as pool:
        return list(pool.map(work, rows))
