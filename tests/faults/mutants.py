"""Small edits of the service, each of which takes one of its guards away: the checker must notice every one.

Each names the few schedules that show what its guard is for. When one survives because the service has changed, see
whether others break the promise: `python -m tests.faults.mutants "no lease" storms:400`.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[2]
# An end for what hangs, and no measure: a mutant takes a second or two.
_SECONDS = 900
_SERVICES = "functions/secciones/services"
_URANDOM = "__import__('os').urandom(32)"


@dataclass(frozen=True)
class Mutant:
    """An edit of one file; `old` must be in it exactly once. It is to break the promise `breaks` in one of the
    `schedules`, which are named as `explore.expanded` reads them."""

    name: str
    path: str
    old: str
    new: str
    breaks: str
    schedules: tuple[str, ...]

    def apply(self, root: Path) -> None:
        """Edit the file below `root`. Raises ValueError when the code has moved on."""
        path = root / self.path
        source = path.read_text(encoding="utf-8")
        if source.count(self.old) != 1:
            raise ValueError(f"renew the mutant “{self.name}”: {self.path} has {source.count(self.old)} × {self.old!r}")
        path.write_text(source.replace(self.old, self.new), encoding="utf-8")


@dataclass(frozen=True)
class Verdict:
    """What the checker said of a mutant: `found` are the promises that it broke, all in one schedule; both are empty
    when it was not found."""

    mutant: Mutant
    found: str
    schedule: str
    seconds: float

    def __str__(self) -> str:
        what = f"breaks {self.found} in {self.schedule}" if self.found else "breaks nothing"
        return f"{self.seconds:5.1f} s  {self.mutant.name:58} {what}"


def _stalled(schedule: str) -> tuple[str, ...]:
    """A worker that stands still around its first change, wherever that is among the calls to the store."""
    return tuple(schedule.format(number) for number in range(4, 10))


MUTANTS = (
    Mutant(
        "no lease",
        f"{_SERVICES}/batches.py",
        "if now >= gives_up_at(batch) or (batch.lease.until is not None and batch.lease.until > now):\n"
        "            raise LeaseHeld\n        leased = _renewed(batch, batch.lease.fence + 1,",
        "leased = _renewed(batch, batch.lease.fence,",
        "I5",
        ("storms:60",),
    ),
    Mutant(
        "drop the fencing check of checkpoints and changes",
        f"{_SERVICES}/batches.py",
        "if load(source, batch.id).lease.fence != batch.lease.fence:",
        "if load(source, batch.id) is None:",
        "I5",
        ("storms:60",),
    ),
    Mutant(
        "drop the fencing check before a change",
        f"{_SERVICES}/run_batch.py",
        "    watch.require_lease()\n",
        "",
        "I5",
        _stalled("slow_clock/documents.transact#{0}:slow_answer+directory.set#1:slow"),
    ),
    Mutant(
        "do not wait for the last change of the worker before",
        f"{_SERVICES}/batches.py",
        "        clock.sleep(lease.total_seconds() * _LAST_CHANGE)\n",
        "",
        "I5",
        _stalled(
            "alone/documents.transact#{0}:slow_answer+documents.get#2:slow_answer+directory.set#1:slow"
            "+documents.get#3:slow_answer"
        ),
    ),
    Mutant(
        "erase the seed early",
        f"{_SERVICES}/run_batch.py",
        "    worker.audit.record(outcomes_event(batch))\n    try:\n",
        "    worker.audit.record(outcomes_event(batch))\n    worker.documents.delete('seals', batch.id)\n    try:\n",
        "I1",
        ("alone/mailer.send:fails_before",),
    ),
    Mutant(
        "keep the seed for ever",
        f"{_SERVICES}/sweep.py",
        "    transaction.delete(SEALS, batch.id)\n",
        "",
        "I6",
        ("alone/calm",),
    ),
    Mutant(
        "random password on retry",
        f"{_SERVICES}/run_batch.py",
        "return derive_passwords(seed, ",
        f"return derive_passwords({_URANDOM}, ",
        "I3",
        ("alone/directory.set:killed_after",),
    ),
    Mutant(
        "skip the outbox",
        f"{_SERVICES}/dispatch.py",
        "    transaction.set(OUTBOX, batch.id, ",
        "    str(",
        "I8",
        ("alone/audit.record:fails_before",),
    ),
    Mutant(
        "another batch for the same form",
        f"{_SERVICES}/request_reset.py",
        "hmac.new(form_nonce.encode(), ",
        f"hmac.new({_URANDOM}, ",
        "I1",
        ("alone/documents.transact:times_out_after",),
    ),
    Mutant(
        "leave the outbox before the audit knows",
        f"{_SERVICES}/dispatch.py",
        "    audit.record(submit_event(batch))\n",
        "    documents.transact(lambda transaction: _leave_outbox(transaction, batch))\n"
        "    audit.record(submit_event(batch))\n",
        "I8",
        ("alone/audit.record:fails_before",),
    ),
    Mutant(
        "acknowledge before the mail",
        f"{_SERVICES}/run_batch.py",
        "    worker.audit.record(outcomes_event(batch))\n    try:\n",
        "    worker.audit.record(outcomes_event(batch))\n"
        "    _checkpoint(worker, replace(batch, mailed_at=worker.clock.now()).ended(worker.clock.now()))\n    try:\n",
        "I2",
        ("alone/mailer.send:killed_before",),
    ),
    Mutant(
        "trust the task's body",
        "functions/secciones/tasks/batch_task.py",
        " or not is_batch_id(batch_id)",
        "",
        "I0",
        ("alone/calm",),
    ),
    Mutant(
        "no target guard",
        f"{_SERVICES}/run_batch.py",
        "outcome = refusal(account, row.address, worker.students_org_unit)",
        "outcome = refusal(account, row.address, worker.students_org_unit) and None",
        "I7",
        ("alone/calm",),
    ),
    Mutant(
        "no key in the audit",
        f"{_SERVICES}/batch_events.py",
        'key=f"{batch.id}-{kind}-{number}" if number else f"{batch.id}-{kind}"',
        'key=""',
        "I8",
        ("alone/mailer.send:killed_after",),
    ),
    Mutant(
        "set passwords after updated",
        f"{_SERVICES}/run_batch.py",
        "        batch = _set_passwords(worker, batch, _passwords(seed, batch))\n"
        "        batch = _checkpoint(worker, batch.stopped().moved_to(BatchState.UPDATED))\n",
        "        batch = _checkpoint(worker, batch.moved_to(BatchState.UPDATED))\n"
        "        batch = _set_passwords(worker, batch, _passwords(seed, batch)).stopped()\n",
        "I5",
        ("alone/calm",),
    ),
    Mutant(
        "render the second mail anew, with another date",
        f"{_SERVICES}/run_batch.py",
        "    if batch.state is BatchState.RUNNING:\n",
        "    batch = replace(batch, created_at=worker.clock.now())\n    if batch.state is BatchState.RUNNING:\n",
        "I4",
        ("alone/mailer.send:killed_after",),
    ),
    Mutant(
        "no password in the mail for a change that is not confirmed",
        "functions/secciones/domain/outcomes.py",
        "{Outcome.CHANGED, Outcome.UNCONFIRMED}",
        "{Outcome.CHANGED}",
        "I2",
        ("storms:80",),
    ),
    Mutant(
        "believe a refusal after a change was begun",
        f"{_SERVICES}/run_batch.py",
        "outcome=Outcome.UNCONFIRMED if row.student_id in begun else Outcome.REFUSED",
        "outcome=Outcome.REFUSED",
        "I2",
        ("storms:80",),
    ),
    Mutant(
        "close late without mailing what was set",
        f"{_SERVICES}/run_batch.py",
        "        batch = _checkpoint(worker, batch.stopped().moved_to(BatchState.UPDATED))\n",
        "        batch = batch.stopped()\n"
        "        if not batch.is_complete:\n"
        "            return _close(worker, batch.moved_to(BatchState.UPDATED))\n"
        "        batch = _checkpoint(worker, batch.moved_to(BatchState.UPDATED))\n",
        "I2",
        ("storms:80",),
    ),
    Mutant(
        "log the passwords",
        f"{_SERVICES}/run_batch.py",
        "        return _unreached(row, error)\n    except ChangeRefused as error:\n",
        '        logs.write("WARNING", "not reached", account=str(passwords))\n'
        "        return _unreached(row, error)\n    except ChangeRefused as error:\n",
        "I6",
        ("alone/directory.set:503",),
    ),
    Mutant(
        "the sweeper brings no task back",
        f"{_SERVICES}/sweep.py",
        "            queue.enqueue(batch.id, batch.task_number)\n",
        "",
        "I1",
        ("storms:150",),
    ),
    Mutant(
        "nothing is given up in time",
        f"{_SERVICES}/batches.py",
        "    return (batch.sealed_until or batch.deadline) + MAIL_GRACE\n",
        "    return (batch.sealed_until or batch.deadline) + MAIL_GRACE * 9\n",
        "I1",
        ("unmailed/calm",),
    ),
    Mutant(
        "let a second teacher's reset through",
        f"{_SERVICES}/claims.py",
        "if claim is None or other is None or not _counts(other, row.account_id):",
        "if claim is None or other is None or row:",
        "I9",
        ("colleague/calm", "storms:60"),
    ),
    Mutant(
        "forget the claim of a reset that was delivered",
        f"{_SERVICES}/claims.py",
        "    return other.is_running or (was_changed and other.was_delivered)\n",
        "    return other.is_running\n",
        "I9",
        ("storms:60",),
    ),
    Mutant(
        "forget the claim of a batch that is running",
        f"{_SERVICES}/claims.py",
        "    return other.is_running or (was_changed and other.was_delivered)\n",
        "    return was_changed and other.was_delivered\n",
        "I9",
        ("storms:60",),
    ),
    Mutant(
        "do not say by whom an account was reset",
        f"{_SERVICES}/claims.py",
        "reset_by=other.teacher_name, ",
        "",
        "I9",
        ("colleague/calm",),
    ),
    Mutant(
        "other passwords when the mail is sent again",
        f"{_SERVICES}/run_batch.py",
        "worker.mailer.send(worker.render(batch, _passwords(seed, batch)))\n    except SealLost:\n",
        f"worker.mailer.send(worker.render(batch, _passwords({_URANDOM}, batch)))\n    except SealLost:\n",
        "I4",
        ("resend/calm",),
    ),
    Mutant(
        "a fourth time",
        "functions/secciones/domain/batches.py",
        " and self.resends_left > 0",
        "",
        "I4",
        ("resends/calm",),
    ),
    Mutant(
        "the mail again after a day",
        "functions/secciones/domain/batches.py",
        "return is_in_time and self.is_sealed(now) and self.resends_left > 0",
        "return self.mailed_at is not None and self.resends_left > 0",
        "I4",
        ("late/calm",),
    ),
    Mutant(
        "no outbox when the mail is to be sent again",
        f"{_SERVICES}/request_resend.py",
        "save_in_outbox(transaction, asked, now)",
        "save_in_outbox(transaction, asked, now)\n        transaction.delete('outbox', batch_id)",
        "I8",
        ("resend/audit.record:fails_before",),
    ),
    Mutant(
        "do not tell the audit of a mail that was given up the second time",
        f"{_SERVICES}/sweep.py",
        "    if batch.resends and not batch.has_work:\n",
        "    if False:\n",
        "I8",
        ("in_vain/calm",),
    ),
)


def unchanged(schedules: Sequence[str]) -> Mutant:
    """No edit at all, judged by every promise, in the way in which mutants are: a check on the harness itself."""
    text = "def run_batch("
    return Mutant("(no edit)", f"{_SERVICES}/run_batch.py", text, text, "I", tuple(schedules))


def judged(mutant: Mutant) -> Verdict:
    """Play a mutant's schedules over a copy of the tree in which its edit is made, until one breaks its promise."""
    began = time.monotonic()
    with TemporaryDirectory(prefix="mutant-") as name:
        folder = Path(name)
        for tree in ("functions/secciones", "tests/faults", "tests/support"):
            shutil.copytree(ROOT / tree, folder / tree, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "tests/__init__.py").touch()
        mutant.apply(folder)
        replay = subprocess.run(
            [sys.executable, "-m", "tests.faults", "--until", mutant.breaks, *mutant.schedules],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": f"{folder / 'functions'}{os.pathsep}{folder}"},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        )
    if replay.returncode:
        raise RuntimeError(f"the mutant “{mutant.name}” does not run: {replay.stderr[-2000:]}")
    schedule, _, found = replay.stdout.strip().partition(" ")
    return Verdict(mutant, found, schedule, time.monotonic() - began)


def main() -> None:
    """Judge the mutant of this name by schedules of one's own."""
    name, *schedules = sys.argv[1:]
    for mutant in MUTANTS:
        if mutant.name == name:
            print(judged(replace(mutant, schedules=tuple(schedules) or mutant.schedules)))


if __name__ == "__main__":
    main()
