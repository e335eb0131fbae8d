"""Holds a story against what the service promises. It knows histories and the final state, and no code of the service.

Only `Batch`, the value that the final state is read as, comes from the service.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from secciones.domain.batches import Batch

# An hour to the deadline, an hour for the mail, twenty minutes that clocks may differ, and what sweeps and leases take.
LONGEST_SECONDS = 3 * 3600.0


@dataclass(frozen=True)
class Told:
    """One password that the Directory was told to set; `by_student` when the student chose it at a sign-in."""

    at: float
    account: str
    password: str
    by_student: bool = False


@dataclass(frozen=True)
class Mailed:
    """One mail that was accepted. `content` is all of it, so that equal mails have equal ones."""

    at: float
    message_id: str
    to: str
    content: str


@dataclass
class Story:
    """What the stand-ins have seen, and how the stores ended."""

    told: list[Told] = field(default_factory=list)
    mails: list[Mailed] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)  # the batches that the teacher was told of
    updated: dict[str, float] = field(default_factory=dict)  # when a batch was first said to be updated
    ended: dict[str, float] = field(default_factory=dict)  # when the teacher could first see its end
    batches: list[Batch] = field(default_factory=list)
    audit: list[tuple[str, str, str]] = field(default_factory=list)  # batch, kind and outcome of each event
    audited: dict[str, dict[str, str]] = field(default_factory=dict)  # by batch, the outcome of each account
    students: set[str] = field(default_factory=set)  # the accounts that are a student's
    seeds: list[bytes] = field(default_factory=list)
    left_behind: str = ""  # all that is in stores, tasks, audit and logs
    forms: int = 1  # how many forms the teachers sent
    is_at_rest: bool = True
    is_bounded: bool = False  # every fault passed within minutes
    is_over: bool = True  # the day in which seeds are kept has passed


Check = Callable[[Story], Iterator[str]]


def violations(story: Story) -> list[str]:
    """Every promise that was broken, with its sentence."""
    return [f"{check.__doc__} {broken}" for check in PROMISES for broken in check(story)]


def comes_to_rest(story: Story) -> Iterator[str]:
    """I0. Everything comes to rest: no batch that waits, no task that is brought for ever."""
    if not story.is_at_rest:
        yield "It did not."


def every_answered_batch_ends(story: Story) -> Iterator[str]:
    """I1. Each batch that was answered ends closed or partial, within three hours, and each form is one batch."""
    final = {"closed", "partial"} if story.is_over else {"mailed", "partial"}
    states = {batch.id: batch.state.value for batch in story.batches}
    for batch_id in story.answered - states.keys():
        yield f"{batch_id} is gone."
    for batch_id, state in states.items():
        if state not in final:
            yield f"{batch_id} is {state}."
        if story.ended.get(batch_id, 0.0) > LONGEST_SECONDS:
            yield f"{batch_id} ended only after {story.ended[batch_id]:.0f} s."
        if story.is_bounded and state == "partial":
            yield f"{batch_id} is partial although every fault passed."
    if len(states) != story.forms:
        yield f"{story.forms} forms made {len(states)} batches."


def every_password_is_known(story: Story) -> Iterator[str]:
    """I2. Each password that the Directory holds was mailed to the teacher, or the student changed it since, or the
    batch says visibly that it was not delivered."""
    for account, last in {told.account: told for told in story.told}.items():
        batches = [batch for batch in story.batches if any(row.account_id == account for row in batch.rows)]
        teachers = {batch.teacher_address for batch in batches}
        was_mailed = any(last.password in mail.content and mail.to in teachers for mail in story.mails)
        if not (last.by_student or was_mailed or any(batch.mail_failure for batch in batches)):
            yield f"{account} has a password that nobody was told."


def one_password_a_student(story: Story) -> Iterator[str]:
    """I3. At most one password value is ever set per batch and student."""
    values = defaultdict(set)
    for told in story.told:
        if not told.by_student:
            values[told.account].add(told.password)
    for account, passwords in values.items():
        batches = sum(any(row.account_id == account for row in batch.rows) for batch in story.batches)
        if len(passwords) > batches:
            yield f"{account} had {len(passwords)} in {batches} batches."


def mails_are_identical(story: Story) -> Iterator[str]:
    """I4. All mails of one batch are identical, and all go to its teacher."""
    contents = defaultdict(set)
    for mail in story.mails:
        contents[mail.message_id].add((mail.to, mail.content))
    for message_id, variants in contents.items():
        if len(variants) > 1:
            yield f"{message_id} has {len(variants)} contents."
    if len(contents) > len(story.batches):
        yield f"{len(story.batches)} batches have mails of {len(contents)} names."
    strangers = {mail.to for mail in story.mails} - {batch.teacher_address for batch in story.batches}
    if strangers:
        yield f"Mail went to {strangers}."


def nothing_changes_after_updated(story: Story) -> Iterator[str]:
    """I5. No account is changed after its batches were said to be updated or were mailed."""
    mailed = {mail.message_id.strip("<>").partition("@")[0]: mail.at for mail in reversed(story.mails)}
    for told in story.told:
        ends = [
            min(story.updated.get(batch.id, float("inf")), mailed.get(batch.id, float("inf")))
            for batch in story.batches
            if any(row.account_id == told.account for row in batch.rows)
        ]
        if not told.by_student and ends and told.at > max(ends):
            yield f"{told.account} was, {told.at - max(ends):.2f} s later."


def no_secret_is_left(story: Story) -> Iterator[str]:
    """I6. After the end no seed and no password is in any store, task, log or audit."""
    for told in story.told:
        if told.password in story.left_behind:
            yield f"The password of {told.account} is."
    for seed in story.seeds if story.is_over else ():
        if seed.hex() in story.left_behind or repr(seed)[2:-1] in story.left_behind:
            yield "A seed is."


def only_students_are_changed(story: Story) -> Iterator[str]:
    """I7. No account is changed that is not a student's."""
    for account in {told.account for told in story.told} - story.students:
        yield f"{account} was."


def the_audit_tells_the_whole_story_once(story: Story) -> Iterator[str]:
    """I8. The audit tells the whole story of each batch, once: submit, every account, mail."""
    events = Counter((batch, kind) for batch, kind, _ in story.audit if batch)
    for batch in story.batches:
        for kind in ("submit", "accounts", "mail"):
            if events[batch.id, kind] != 1:
                yield f"{batch.id} has {events[batch.id, kind]} events {kind}."
        outcomes = {row.student_id: row.outcome.value for row in batch.rows}
        if story.audited.get(batch.id) not in (None, outcomes):
            yield f"{batch.id} says {outcomes}, its audit {story.audited[batch.id]}."
    changed = {told.account for told in story.told}
    for batch in story.batches:
        for row in batch.rows:
            if row.account_id in changed and not row.outcome.has_password:
                yield f"{row.account_id} was changed, and its outcome is {row.outcome.value}."


PROMISES: tuple[Check, ...] = (
    comes_to_rest,
    every_answered_batch_ends,
    every_password_is_known,
    one_password_a_student,
    mails_are_identical,
    nothing_changes_after_updated,
    no_secret_is_left,
    only_students_are_changed,
    the_audit_tells_the_whole_story_once,
)
