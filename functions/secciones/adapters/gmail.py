"""Mail through Gmail, as the configured sender."""

import hashlib
import io
import re
import time
from binascii import b2a_base64
from collections.abc import Callable, Sequence
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import TYPE_CHECKING

from secciones.adapters.google_api import ApiError, GoogleApi
from secciones.domain.errors import MailRefused, MailUnavailable
from secciones.ports.mailer import Attachment, Mail

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

SCOPE = "https://www.googleapis.com/auth/gmail.send"

# What Gmail says of the message itself. All else is said of the sender, of a limit or of a right: that can change.
_REFUSALS = frozenset(
    {"invalid", "invalidArgument", "INVALID_ARGUMENT", "badRequest", "required", "parseError", "uploadTooLarge"}
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Bytes of a file that make a line of base64 (RFC 2045).
_LINE = 57
_MESSAGE_ID = re.compile(r"<[\w.+-]+@[\w.-]+>", re.ASCII)


class GmailMailer:
    """Sends as the person whom its credentials (SCOPE, made at the first call) stand for, who must be
    `sender_address`."""

    def __init__(
        self,
        credentials: "Callable[[], Credentials]",
        endpoint: str,
        sender_address: str,
        sender_name: str,
        *,
        random: Callable[[], float],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._sender = Address(sender_name, addr_spec=sender_address)
        self._api = GoogleApi("gmail", "v1", "users.messages", credentials, endpoint, sleep=sleep, random=random)

    def send(self, mail: Mail) -> None:
        """See Mailer."""
        from googleapiclient.http import MediaIoBaseUpload

        # As an upload; within JSON it would be a third larger, and several times in memory.
        message = MediaIoBaseUpload(io.BytesIO(_checked_message(mail, self._sender)), "message/rfc822")
        try:
            self._api.call(lambda messages: messages.send(userId="me", media_body=message, fields="id"))
        except ApiError as error:
            if error.reason in _REFUSALS:
                raise MailRefused(error.reason) from error
            raise MailUnavailable(error.reason) from error


def mime_message(mail: Mail, sender: Address) -> bytes:
    """The message as RFC 5322 has it, the same bytes each time.

    Raises ValueError for an address or a header that is none, a line break in one among them.
    """
    _require_headers(mail)
    try:
        return _with_content(_composed(mail, sender), mail.attachments)
    except (MessageError, LookupError):  # how the library's parsers say that a header is none
        raise ValueError("a header of the message is none") from None


def _require_headers(mail: Mail) -> None:
    """The library lets a carriage return through in some headers, so none of them may have control characters."""
    names = [text for attachment in mail.attachments for text in (attachment.filename, attachment.content_type)]
    if any(_CONTROL.search(text) for text in (mail.to, mail.subject, *names)):
        raise ValueError("a header of the message is more than a line")
    if not _MESSAGE_ID.fullmatch(mail.message_id):
        raise ValueError("the message id is none")


def _composed(mail: Mail, sender: Address) -> EmailMessage:
    """The message with empty attachments."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = Address(addr_spec=mail.to)
    # The library would decode what looks like an encoded word, line breaks included, and so let a section's name in the
    # registry write further headers.
    message["Subject"] = mail.subject.replace("=?", "= ?")
    message["Date"] = mail.date
    message["Message-ID"] = mail.message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text, cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    for attachment in mail.attachments:
        _attach(message, attachment)
    _fix_boundaries(message)
    return message


def _checked_message(mail: Mail, sender: Address) -> bytes:
    try:
        return mime_message(mail, sender)
    except ValueError:
        raise MailRefused("invalidMessage") from None


def _attach(message: EmailMessage, attachment: Attachment) -> None:
    content_type = EmailMessage(policy=SMTP)
    content_type["Content-Type"] = attachment.content_type
    message.add_attachment(
        b"",
        maintype=content_type.get_content_maintype(),
        subtype=content_type.get_content_subtype(),
        params=dict(content_type["Content-Type"].params),
        filename=attachment.filename,
    )


def _fix_boundaries(message: EmailMessage) -> None:
    """The library draws boundaries by lot. `=_` occurs in neither encoding in use, so these occur in no part."""
    name = hashlib.sha256(str(message["Message-ID"]).encode()).hexdigest()[:32]
    for number, part in enumerate(part for part in message.walk() if part.is_multipart()):
        part.set_boundary(f"=_{name}_{number}")


def _with_content(message: EmailMessage, attachments: Sequence[Attachment]) -> bytes:
    """Written down, with what the attachments hold; the library would keep several copies of that meanwhile."""
    delimiter = f"\r\n--{message.get_boundary()}".encode()
    *parts, end = message.as_bytes().split(delimiter)
    contents = [b""] * (len(parts) - len(attachments)) + [attachment.content for attachment in attachments]
    file = io.BytesIO()
    for part, content in zip(parts, contents, strict=True):
        file.write(part)
        for start in range(0, len(content), _LINE):
            file.write(b2a_base64(content[start : start + _LINE], newline=False) + b"\r\n")
        file.write(delimiter)
    file.write(end)
    return file.getvalue()
