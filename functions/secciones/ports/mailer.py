"""Mail to a teacher."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from secciones.domain.batches import Batch


@dataclass(frozen=True)
class Attachment:
    """A file in a mail; its content never shows itself in a log."""

    filename: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Mail:
    """One message. The same `Mail` always becomes the same bytes."""

    to: str
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)
    attachments: tuple[Attachment, ...]
    message_id: str
    date: datetime


class MailRenderer(Protocol):
    """Writes the mail that a batch ends with."""

    def __call__(self, batch: Batch, passwords: dict[str, str]) -> Mail:
        """The mail of a batch; `passwords` by account id. Equal arguments give equal mails, to the byte."""
        ...


class Mailer(Protocol):
    """Hands mail to the system that delivers it."""

    def send(self, mail: Mail) -> None:
        """Returns when the mail was accepted. A repeated send may deliver the same message twice.

        Raises MailRefused when it will never be accepted, MailUnavailable when it may be later; after
        MailUnavailable it may have been accepted all the same.
        """
        ...
