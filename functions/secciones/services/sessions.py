"""Sessions of teachers: opened by sign-in, raised by verification, each step under a new cookie."""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum

from secciones.ports.clock import Clock, Ids
from secciones.ports.documents import Document, Documents

COLLECTION = "sessions"


class Step(IntEnum):
    """How far a person has proven who they are."""

    NOBODY = 0
    SIGNED_IN = 1
    VERIFIED = 2


@dataclass(frozen=True)
class Session:
    """One browser's session. `id` is what the store knows it by: of the cookie's value it keeps only a keyed hash."""

    id: str = field(repr=False)
    subject: str
    address: str
    name: str
    teacher_id: str = ""
    actor: str = ""

    @property
    def step(self) -> Step:
        """What the session has reached."""
        return Step.VERIFIED if self.teacher_id else Step.SIGNED_IN


class Sessions:
    """Opens, finds and closes sessions; a session ends `lifetime` after the step that opened it."""

    def __init__(self, documents: Documents, clock: Clock, ids: Ids, secret: str, lifetime: timedelta) -> None:
        self._documents = documents
        self._clock = clock
        self._ids = ids
        self._secret = secret.encode()
        self.lifetime = lifetime

    def open(self, subject: str, address: str, name: str, teacher_id: str = "", actor: str = "") -> str:
        """A new session; returns the value of its cookie, which is nowhere else."""
        cookie = self._ids.token()
        document: Document = {
            "subject": subject,
            "address": address,
            "name": name,
            "teacher_id": teacher_id,
            "actor": actor,
            "expires_at": self._clock.now() + self.lifetime,
        }
        self._documents.create(COLLECTION, self._id(cookie), document)
        return cookie

    def find(self, cookie: str) -> Session | None:
        """The session of a cookie's value; None when there is none or it has ended."""
        session_id = self._id(cookie)
        document = self._documents.get(COLLECTION, session_id)
        if document is None:
            return None
        fields = {name: document[name] for name in ("subject", "address", "name", "teacher_id", "actor")}
        return Session(id=session_id, **fields)

    def verified(self, session: Session, teacher_id: str, actor: str, name: str) -> str:
        """The session raised to VERIFIED; the old cookie is worth nothing from now on. Returns the new one's value."""
        cookie = self.open(session.subject, session.address, name, teacher_id, actor)
        self.close(session)
        return cookie

    def close(self, session: Session) -> None:
        """End the session."""
        self._documents.delete(COLLECTION, session.id)

    def _id(self, cookie: str) -> str:
        return hmac.new(self._secret, b"session\0" + cookie.encode(), hashlib.sha256).hexdigest()
