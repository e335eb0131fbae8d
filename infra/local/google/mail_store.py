"""The mailboxes: who gets a message, and how it is found again. Gmail's API and the pages share it."""

from __future__ import annotations

import json
import re
import secrets
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import EmailMessage, MIMEPart
from email.parser import BytesParser
from email.policy import SMTP
from email.utils import getaddresses
from functools import cached_property
from typing import Any

from infra.local.google.accounts import Account, Accounts
from infra.local.google.state import State


@dataclass(frozen=True)
class StoredMessage:
    number: int
    id: str
    thread: str
    mailbox: str  # an account's id
    labels: tuple[str, ...]
    arrived: int  # milliseconds since 1970
    raw: bytes

    @cached_property
    def parsed(self) -> EmailMessage:
        return parse(self.raw)

    def header(self, name: str) -> str:
        return str(self.parsed.get(name, ""))


class MailStore:
    def __init__(self, state: State, accounts: Accounts) -> None:
        self._state = state
        self._accounts = accounts

    def deliver(self, sender: Account, raw: bytes) -> StoredMessage:
        """Into the sender's Sent and each recipient's inbox; returns the sender's copy."""
        recipients = self.recipients(parse(raw))
        message_id, arrived = secrets.token_hex(8), int(time.time() * 1000)
        for_others = without_bcc(raw)
        with self._state.transaction() as connection:
            for person in recipients:
                if person.id != sender.id:
                    _keep(connection, message_id, person.id, ("INBOX", "UNREAD"), arrived, for_others)
            to_self = any(person.id == sender.id for person in recipients)
            labels = ("SENT", "INBOX", "UNREAD") if to_self else ("SENT",)
            _keep(connection, message_id, sender.id, labels, arrived, raw)
        found = self.find(sender.id, message_id)
        assert found is not None
        return found

    def recipients(self, message: EmailMessage) -> list[Account]:
        """Those of the message's recipients who have a mailbox here, each once."""
        people = (self._accounts.find(address) for address in addresses(message))
        return list({person.id: person for person in people if person and not person.suspended}.values())

    def find(self, mailbox: str, message_id: str) -> StoredMessage | None:
        rows = self._state.rows("SELECT * FROM messages WHERE mailbox = ? AND id = ?", mailbox, message_id)
        return _stored(rows[0]) if rows else None

    def newest_first(self, mailbox: str) -> list[StoredMessage]:
        rows = self._state.rows("SELECT * FROM messages WHERE mailbox = ? ORDER BY number DESC", mailbox)
        return [_stored(row) for row in rows]

    def counts(self) -> dict[str, int]:
        """Mailbox (account id) to number of messages, for those that have any."""
        rows = self._state.rows("SELECT mailbox, count(*) AS messages FROM messages GROUP BY mailbox")
        return {row["mailbox"]: row["messages"] for row in rows}

    def sent(self) -> list[StoredMessage]:
        """Everything that was ever sent, oldest first."""
        rows = self._state.rows("SELECT * FROM messages WHERE labels LIKE '%\"SENT\"%' ORDER BY number")
        return [_stored(row) for row in rows]


def parse(raw: bytes) -> EmailMessage:
    message = BytesParser(policy=SMTP).parsebytes(raw)
    assert isinstance(message, EmailMessage)
    return message


def addresses(message: EmailMessage, headers: Iterable[str] = ("To", "Cc", "Bcc")) -> list[str]:
    values = [str(value) for header in headers for value in message.get_all(header, [])]
    return [address.lower() for _, address in getaddresses(values) if "@" in address]


def without_bcc(raw: bytes) -> bytes:
    """The same bytes less the Bcc header: what a recipient may see."""
    head, separator, body = re.split(rb"(\r?\n\r?\n)", raw, maxsplit=1) if _has_body(raw) else (raw, b"", b"")
    kept = re.sub(rb"(?im)^bcc:.*(?:\r?\n[ \t].*)*(?:\r?\n|\Z)", b"", head)
    return kept.rstrip(b"\r\n") + separator + body


def plain_text(message: EmailMessage) -> str:
    return _content(message, "plain")


def html_text(message: EmailMessage) -> str:
    return _content(message, "html")


def attachments(message: EmailMessage) -> list[EmailMessage]:
    return [part for part in message.iter_attachments() if isinstance(part, EmailMessage)]


def part_bytes(part: MIMEPart) -> bytes:
    content: Any = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _content(message: EmailMessage, subtype: str) -> str:
    part = message.get_body(preferencelist=(subtype,))
    return str(part.get_content()) if part is not None else ""


def _has_body(raw: bytes) -> bool:
    return re.search(rb"\r?\n\r?\n", raw) is not None


def _keep(
    connection: sqlite3.Connection,
    message_id: str,
    mailbox: str,
    labels: tuple[str, ...],
    arrived: int,
    raw: bytes,
) -> None:
    connection.execute(
        "INSERT INTO messages (id, thread, mailbox, labels, arrived, raw) VALUES (?, ?, ?, ?, ?, ?)",
        (message_id, message_id, mailbox, json.dumps(labels), arrived, raw),
    )


def _stored(row: sqlite3.Row) -> StoredMessage:
    return StoredMessage(
        row["number"], row["id"], row["thread"], row["mailbox"],
        tuple(json.loads(row["labels"])), row["arrived"], row["raw"],
    )  # fmt: skip
