"""Sessions of teachers: opened by sign-in, raised by verification, each step under a new cookie."""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum

from secciones.ports.clock import Clock, Ids
from secciones.ports.documents import Document, Documents, Key, Transaction

COLLECTION = "sessions"
# Being used keeps a session alive, but not every request of a page has to write.
_RENEWED_AT_MOST_EVERY = timedelta(minutes=1)


class Step(IntEnum):
    """How far a person has proven who they are."""

    NOBODY = 0
    SIGNED_IN = 1
    VERIFIED = 2
    RECENTLY_VERIFIED = 3


@dataclass(frozen=True)
class Session:
    """One browser's session. `id` is what the store knows it by: of the cookie's value it keeps only a keyed hash."""

    id: str = field(repr=False)
    subject: str
    address: str
    name: str
    teacher_id: str = ""
    actor: str = ""
    opened_at: datetime | None = None
    is_recent: bool = False

    @property
    def step(self) -> Step:
        """What the session has reached."""
        if not self.teacher_id:
            return Step.SIGNED_IN
        return Step.RECENTLY_VERIFIED if self.is_recent else Step.VERIFIED


@dataclass(frozen=True)
class SessionTimes:
    """How long a session lasts unused, how long after the sign-in at most, and how long a verification is recent."""

    idle: timedelta
    longest: timedelta
    recent: timedelta


class Sessions:
    """Opens, finds and closes sessions."""

    def __init__(self, documents: Documents, clock: Clock, ids: Ids, secret: str, times: SessionTimes) -> None:
        self._documents = documents
        self._clock = clock
        self._ids = ids
        self._secret = secret.encode()
        self._times = times

    @property
    def lifetime(self) -> timedelta:
        """How long a browser may keep the cookie; whether it is still worth something is decided here."""
        return self._times.longest

    def open(
        self,
        subject: str,
        address: str,
        name: str,
        teacher_id: str = "",
        actor: str = "",
        opened_at: datetime | None = None,
    ) -> str:
        """A new session; returns the value of its cookie, which is nowhere else. `opened_at` is when the person signed
        in, if that was not now."""
        cookie = self._ids.token()
        document = self._opened(subject, address, name, teacher_id, actor, opened_at)
        self._documents.create(COLLECTION, self._id(cookie), document)
        return cookie

    def _opened(
        self, subject: str, address: str, name: str, teacher_id: str, actor: str, opened_at: datetime | None
    ) -> Document:
        now = self._clock.now()
        signed_in_at = opened_at or now
        return {
            "subject": subject,
            "address": address,
            "name": name,
            "teacher_id": teacher_id,
            "actor": actor,
            "opened_at": signed_in_at,
            "verified_at": now if teacher_id else None,
            "expires_at": self._end(signed_in_at, now),
        }

    def find(self, cookie: str, *beside: Key) -> tuple[Session | None, dict[Key, Document | None]]:
        """The session of a cookie's value, which is not idle now; None when there is none or it has ended. With it come
        other documents, so that a page need not ask for them once more."""
        session_id, now = self._id(cookie), self._clock.now()

        def read(transaction: Transaction) -> tuple[Document | None, dict[Key, Document | None]]:
            transaction.read_ahead((COLLECTION, session_id), *beside)
            return transaction.get(COLLECTION, session_id), {key: transaction.get(*key) for key in beside}

        document, others = self._documents.transact(read)
        return (self._session(session_id, document, now) if document else None), others

    def _session(self, session_id: str, document: Document, now: datetime) -> Session:
        if self._end(document["opened_at"], now) - document["expires_at"] > _RENEWED_AT_MOST_EVERY:
            self._renew(session_id, now)
        fields = {name: document[name] for name in ("subject", "address", "name", "teacher_id", "actor", "opened_at")}
        verified_at = document["verified_at"]
        is_recent = verified_at is not None and now - verified_at <= self._times.recent
        return Session(id=session_id, is_recent=is_recent, **fields)

    def verified(self, transaction: Transaction, session: Session, teacher_id: str, actor: str, name: str) -> str:
        """The session raised to VERIFIED, with the transaction's other writes; the old cookie is worth nothing from
        then on. Returns the new one's value."""
        cookie = self._ids.token()
        document = self._opened(session.subject, session.address, name, teacher_id, actor, session.opened_at)
        transaction.set(COLLECTION, self._id(cookie), document)
        transaction.delete(COLLECTION, session.id)
        return cookie

    def close(self, session: Session) -> None:
        """End the session."""
        self._documents.delete(COLLECTION, session.id)

    def _renew(self, session_id: str, now: datetime) -> None:
        def work(transaction: Transaction) -> None:
            document = transaction.get(COLLECTION, session_id)
            if document is not None:  # it may have been closed meanwhile, and then it stays closed
                renewed = document | {"expires_at": self._end(document["opened_at"], now)}
                transaction.set(COLLECTION, session_id, renewed)

        self._documents.transact(work)

    def _end(self, opened_at: datetime, now: datetime) -> datetime:
        return min(now + self._times.idle, opened_at + self._times.longest)

    def _id(self, cookie: str) -> str:
        return hmac.new(self._secret, b"session\0" + cookie.encode(), hashlib.sha256).hexdigest()
