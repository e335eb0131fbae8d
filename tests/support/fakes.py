"""The outside world in memory, for tests of use cases: each keeps the promises of its port and can be told to fail."""

import io
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

from secciones.domain.accounts import Account, is_within
from secciones.domain.batches import Batch
from secciones.domain.errors import (
    BucketUnavailable,
    ChangeRefused,
    DirectoryUnavailable,
    ListingExpired,
    MailUnavailable,
    NotAssigned,
    QueueUnavailable,
    RegistryUnavailable,
    SealerUnavailable,
    SignInFailed,
)
from secciones.domain.people import Dui, Nip, Teacher
from secciones.domain.roster import Roster, School
from secciones.ports.accounts import AccountPage
from secciones.ports.audit import AuditEvent
from secciones.ports.bucket import StoredFile
from secciones.ports.mailer import Mail
from secciones.ports.sign_in import Identity, SignInAttempt

START = datetime(2026, 2, 3, 14, 0, tzinfo=UTC)


@dataclass
class FakeClock:
    """Stands still until it is moved."""

    time: datetime = START

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.advance(seconds=max(0.0, seconds))

    def advance(self, **by: float) -> None:
        self.time += timedelta(**by)


@dataclass
class FakeIds:
    """Counts instead of drawing."""

    drawn: int = 0

    def token(self) -> str:
        self.drawn += 1
        return f"token-{self.drawn:037}"

    def seed(self) -> bytes:
        self.drawn += 1
        return self.drawn.to_bytes(32, "big")


def at_once() -> None:
    """How a registry answers, when a test has no other wish."""


@dataclass
class FakeRegistry:
    """Teachers by their numbers; schools and rosters by teacher."""

    teachers: dict[tuple[str, str], Teacher] = field(default_factory=dict)
    assignments: dict[str, tuple[School, ...]] = field(default_factory=dict)
    rosters: dict[tuple[str, str], Roster] = field(default_factory=dict)
    is_down: bool = False
    delay: Callable[[], None] = at_once
    asked: int = 0

    def verify_teacher(self, dui: Dui, nip: Nip) -> Teacher | None:
        self._answer()
        return self.teachers.get((dui.digits, nip.digits))

    def schools(self, teacher_id: str) -> tuple[School, ...]:
        self._answer()
        if teacher_id not in self.assignments:
            raise NotAssigned
        return self.assignments[teacher_id]

    def roster(self, teacher_id: str, section_id: str) -> Roster:
        self._answer()
        if (teacher_id, section_id) not in self.rosters:
            raise NotAssigned
        return self.rosters[teacher_id, section_id]

    def _answer(self) -> None:
        self.asked += 1
        self.delay()
        if self.is_down:
            raise RegistryUnavailable


def nothing(_: str) -> None:
    """What happens before a call, when a test has no other wish."""


@dataclass
class FakeDirectory:
    """Accounts by address, and every password that was set, in order. `before` and `after` a change may raise."""

    accounts: dict[str, Account] = field(default_factory=dict)
    passwords: list[tuple[str, str]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    is_down: bool = False
    page_size: int = 2
    looks: int = 0
    looked_up: list[str] = field(default_factory=list)
    pages: int = 0
    before: Callable[[str], None] = nothing
    after: Callable[[str], None] = nothing

    def find(self, address: str) -> Account | None:
        self.looked_up.append(address)
        if self.is_down:
            raise DirectoryUnavailable("backendError")
        return self.accounts.get(address)

    def page(self, token: str, org_unit: str = "") -> AccountPage:
        self.pages += 1
        if self.is_down:
            raise DirectoryUnavailable("backendError")
        if token and not token.isdigit():
            raise ListingExpired
        start = int(token or "0")
        all_accounts = [self.accounts[address] for address in sorted(self.accounts)]
        accounts = [account for account in all_accounts if is_within(account.org_unit, org_unit or "/")]
        end = start + self.page_size
        return AccountPage(accounts[start:end], str(end) if end < len(accounts) else "")

    def look(self, org_units: Collection[str], addresses: Collection[str]) -> dict[str, Account | None]:
        """Nobody waits for a directory that is down."""
        self.looks += 1
        return {} if self.is_down else {address: self.accounts.get(address) for address in addresses}

    def set_temporary_password(self, account_id: str, password: str) -> None:
        self.before(account_id)
        if self.is_down:
            raise DirectoryUnavailable("quotaExceeded")
        if account_id in self.refused:
            raise ChangeRefused("forbidden")
        self.passwords.append((account_id, password))
        self.after(account_id)

    def held(self) -> dict[str, str]:
        """The password that each account has now."""
        return dict(self.passwords)


@dataclass
class FakeMailer:
    """A mailbox."""

    sent: list[Mail] = field(default_factory=list)
    failure: Exception | None = None
    loses_the_answer: bool = False

    def send(self, mail: Mail) -> None:
        if self.failure:
            raise self.failure
        self.sent.append(mail)
        if self.loses_the_answer:
            raise MailUnavailable("timeout")


@dataclass
class FakeQueue:
    """What is in the queue."""

    tasks: list[tuple[str, int]] = field(default_factory=list)
    is_down: bool = False

    def enqueue(self, batch_id: str, task_number: int) -> None:
        if self.is_down:
            raise QueueUnavailable
        if (batch_id, task_number) not in self.tasks:
            self.tasks.append((batch_id, task_number))


@dataclass
class FakeBucket:
    """Files by name, in the order of their writing; what was written and removed is remembered."""

    contents: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    writings: int = 0
    is_down: bool = False

    def put(self, name: str, content: bytes) -> None:
        self.contents.pop(name, None)
        self.writings += 1
        self.contents[name] = (str(self.writings), content)

    def files(self, prefix: str) -> list[StoredFile]:
        if self.is_down:
            raise BucketUnavailable
        found = self.contents.items()
        return [StoredFile(name, number, len(content)) for name, (number, content) in found if name.startswith(prefix)]

    def open(self, file: StoredFile) -> BinaryIO:
        number, content = self.contents.get(file.name, ("", b""))
        if self.is_down or number != file.generation:
            raise BucketUnavailable
        return io.BytesIO(content)

    def write(self, name: str, content: BinaryIO) -> None:
        self.put(name, content.read())

    def delete(self, file: StoredFile) -> None:
        if self.contents.get(file.name, ("",))[0] == file.generation:
            del self.contents[file.name]


@dataclass
class FakeSealer:
    """Seals by writing the context in front."""

    is_down: bool = False

    def seal(self, secret: bytes, context: str) -> bytes:
        if self.is_down:
            raise SealerUnavailable
        return context.encode() + b"|" + secret

    def open(self, sealed: bytes, context: str) -> bytes:
        if self.is_down:
            raise SealerUnavailable
        prefix = context.encode() + b"|"
        if not sealed.startswith(prefix):
            raise ValueError("sealed for another context")
        return sealed.removeprefix(prefix)


@dataclass
class FakeAudit:
    """All events, those with a key once."""

    events: list[AuditEvent] = field(default_factory=list)

    def record(self, event: AuditEvent) -> None:
        if not event.key or event.key not in {known.key for known in self.events}:
            self.events.append(event)

    def outcomes(self, kind: str) -> list[str]:
        """The outcomes of the events of one kind, in order."""
        return [event.outcome for event in self.events if event.kind == kind]


@dataclass
class FakeProvider:
    """Vouches for whoever is set."""

    identity: Identity | None = None

    def authorization_url(self, attempt: SignInAttempt) -> str:
        return f"https://accounts.example/authorize?state={attempt.state}"

    def identify(self, code: str, attempt: SignInAttempt) -> Identity:
        if self.identity is None or code != "good-code":
            raise SignInFailed("no proof")
        return self.identity


@dataclass
class SendsBackAtOnce(FakeProvider):
    """Google without its pages."""

    origin: str = ""

    def authorization_url(self, attempt: SignInAttempt) -> str:
        return f"{self.origin}/secciones/oauth2/callback?code=good-code&state={attempt.state}"


def plain_mail(batch: Batch, passwords: dict[str, str]) -> Mail:
    """A renderer whose text is the passwords, by address."""
    lines = [f"{row.address} {passwords[row.account_id]}" for row in batch.rows if row.outcome.has_password]
    return Mail(batch.teacher_address, batch.code, "\n".join(lines), "", (), f"<{batch.id}@test>", batch.created_at)
