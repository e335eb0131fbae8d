"""Holds a story against what the service promises. It knows histories and the final state, and no code of the service.

Only `Batch` and its `Outcome`s, the values that the final state is read as, come from the service.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from secciones.domain.batches import Batch
from secciones.domain.outcomes import Outcome

# An hour to the deadline, an hour for the mail, twenty minutes that clocks may differ, and what sweeps and leases take.
LONGEST_SECONDS = 3 * 3600.0
# A mail can be asked for again within a day, and clocks may differ by twenty minutes.
LONGEST_ASK_SECONDS = 24 * 3600.0 + 1200.0
MOST_ASKS = 3


@dataclass(frozen=True)
class Told:
    """One password that the Directory was told to set for a batch, or `by_student` when the student chose it at a
    sign-in."""

    at: float
    account: str
    password: str
    batch: str = ""
    by_student: bool = False


@dataclass(frozen=True)
class Mailed:
    """One mail that was accepted. `content` is all of it, so that equal mails have equal ones."""

    at: float
    message_id: str
    to: str
    content: str

    @property
    def batch(self) -> str:
        """The message id is made of it."""
        return self.message_id.strip("<>").partition("@")[0]


@dataclass(frozen=True)
class Asked:
    """A teacher asked for a mail the `number`-th time again, first at `at`, and was told that it comes."""

    at: float
    batch: str
    number: int


@dataclass
class Story:
    """What the stand-ins have seen, and how the stores ended."""

    told: list[Told] = field(default_factory=list)
    mails: list[Mailed] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)  # the batches that the teachers were told of
    asked: list[Asked] = field(default_factory=list)
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
    """I1. Each batch that was answered ends closed or partial, within three hours, and each form is one batch; each
    mail that was promised again is sent or visibly not."""
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
    for batch in story.batches:
        if batch.has_work and not batch.is_running:
            yield f"{batch.id} still owes a mail."
        if story.is_bounded and batch.resend_failure:
            yield f"{batch.id} was not mailed again although every fault passed."
    for ask in story.asked:
        was_mailed = any(mail.batch == ask.batch and mail.at >= ask.at for mail in story.mails)
        if not (was_mailed or any(batch.id == ask.batch and batch.resend_failure for batch in story.batches)):
            yield f"{ask.batch} was not mailed the {ask.number}. time again."
    if len(states) != story.forms:
        yield f"{story.forms} forms made {len(states)} batches."


def every_password_is_known(story: Story) -> Iterator[str]:
    """I2. Each password that the Directory holds was mailed to the teacher, or the student changed it since, or the
    batch says visibly that it was not delivered."""
    batches = {batch.id: batch for batch in story.batches}
    for account, last in {told.account: told for told in story.told}.items():
        if last.by_student:
            continue
        batch = batches.get(last.batch)
        was_mailed = any(last.password in mail.content and mail.batch == last.batch for mail in story.mails)
        if not (was_mailed or (batch and batch.mail_failure)):
            yield f"{account} has a password that nobody was told."


def one_password_a_student(story: Story) -> Iterator[str]:
    """I3. At most one password value is ever set per batch and student."""
    values = defaultdict(set)
    for told in story.told:
        if not told.by_student:
            values[told.batch, told.account].add(told.password)
    for (batch_id, account), passwords in values.items():
        if len(passwords) > 1:
            yield f"{account} had {len(passwords)} by {batch_id}."


def mails_are_identical(story: Story) -> Iterator[str]:
    """I4. All mails of one batch are identical, all go to its teacher, and it can be asked for again for a day, three
    times."""
    contents = defaultdict(set)
    for mail in story.mails:
        contents[mail.batch].add((mail.message_id, mail.content))
    for batch_id, variants in contents.items():
        if len(variants) > 1:
            yield f"{batch_id} has {len(variants)} contents."
    teachers = {batch.id: batch.teacher_address for batch in story.batches}
    for mail in story.mails:
        if mail.to != teachers.get(mail.batch):
            yield f"The mail of {mail.batch} went to {mail.to}."
    for ask in story.asked:
        if ask.number > MOST_ASKS:
            yield f"{ask.batch} was promised a {ask.number}. time."
        if ask.at - story.ended.get(ask.batch, ask.at) > LONGEST_ASK_SECONDS:
            yield f"{ask.batch} was promised again at {ask.at:.0f} s, and ended at {story.ended[ask.batch]:.0f} s."


def nothing_changes_after_updated(story: Story) -> Iterator[str]:
    """I5. No account is changed after its batch was said to be updated or was mailed."""
    mailed = {mail.batch: mail.at for mail in reversed(story.mails)}
    for told in story.told:
        end = min(story.updated.get(told.batch, float("inf")), mailed.get(told.batch, float("inf")))
        if told.at > end:
            yield f"{told.account} was, {told.at - end:.2f} s later."


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
    """I8. The audit tells the whole story of each batch, once: submit, every account, mail, each mail again."""
    events = Counter((batch, kind) for batch, kind, _ in story.audit if batch)
    for batch in story.batches:
        expected = {"submit": 1, "accounts": 1, "mail": 1, "resend": batch.resends, "resent": batch.resends}
        for kind, number in expected.items():
            if events[batch.id, kind] != number:
                yield f"{batch.id} has {events[batch.id, kind]} events {kind}, and not {number}."
        outcomes = {row.student_id: row.outcome.value for row in batch.rows}
        if story.audited.get(batch.id) not in (None, outcomes):
            yield f"{batch.id} says {outcomes}, its audit {story.audited[batch.id]}."
    changed = {(told.batch, told.account) for told in story.told}
    for batch in story.batches:
        for row in batch.rows:
            if (batch.id, row.account_id) in changed and not row.outcome.has_password:
                yield f"{row.account_id} was changed, and its outcome is {row.outcome.value}."


def batches_over_one_student_meet(story: Story) -> Iterator[str]:
    """I9. Of two batches over one student one comes after the other, no password that its teacher was given is lost,
    and who comes too late is told who was there."""
    batches = {batch.id: batch for batch in story.batches}
    changes = defaultdict(list)
    for told in story.told:
        if not told.by_student:
            changes[told.account].append(told.batch)
    for account, changed_by in changes.items():
        order = [batch_id for batch_id, _ in groupby(changed_by)]
        if len(order) > len(set(order)):
            yield f"{account} was changed in turn by {order}."
        for batch_id in order[:-1]:
            earlier = batches[batch_id]
            if earlier.was_delivered and any(row.account_id == account for row in earlier.rows_with(Outcome.CHANGED)):
                yield f"{account} was changed again although {batch_id} has told its teacher a password."
    for batch in story.batches:
        for row in batch.rows_with(Outcome.RESET_BY_COLLEAGUE, Outcome.RESET_BY_YOU):
            others = [other for other in story.batches if other.id != batch.id]
            names = {other.teacher_name for other in others for its in other.rows if its.address == row.address}
            if row.reset_by not in names:
                yield f"{batch.id} says that {row.address} was reset by {row.reset_by!r}."


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
    batches_over_one_student_meet,
)
