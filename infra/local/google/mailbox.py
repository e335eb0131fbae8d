"""The mailboxes as pages, open to all: this is where one looks at what the service has mailed."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from email.message import EmailMessage
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, abort, render_template, url_for

from infra.local.google.accounts import Account, Accounts
from infra.local.google.mail_store import (
    MailStore,
    StoredMessage,
    attachments,
    html_text,
    part_bytes,
    plain_text,
)

# The country has no summer time.
EL_SALVADOR = timezone(timedelta(hours=-6))
# The mail's own HTML runs no script, submits no form and loads nothing from anywhere else.
BODY_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; sandbox "
    "allow-popups allow-popups-to-escape-sandbox"
)


class Mailbox:
    def __init__(self, store: MailStore, accounts: Accounts) -> None:
        self._store = store
        self._accounts = accounts

    def register(self, app: Flask) -> None:
        add = app.add_url_rule
        add("/mail/", "mailboxes", self._mailboxes)
        add("/mail/<address>", "mailbox", self._mailbox)
        add("/mail/<address>/<message_id>", "message", self._message)
        add("/mail/<address>/<message_id>/body", "message_body", self._body)
        add("/mail/<address>/<message_id>/attachments/<int:number>", "attachment", self._attachment)

    def _mailboxes(self) -> str:
        found = [
            (account, count)
            for mailbox, count in self._store.counts().items()
            if (account := self._accounts.find(mailbox))
        ]
        found.sort(key=lambda pair: pair[0].address)
        return render_template("mailboxes.html", mailboxes=found)

    def _mailbox(self, address: str) -> str | tuple[str, int]:
        account = self._accounts.find(address)
        if account is None:
            return render_template("no_mailbox.html", address=address), 404
        messages = [_summary(message) for message in self._store.newest_first(account.id)]
        return render_template("mailbox.html", account=account, messages=messages)

    def _message(self, address: str, message_id: str) -> str:
        account, message = self._found(address, message_id)
        parsed = message.parsed
        files = [
            {"number": number, "name": _file_name(part, number), "size": len(part_bytes(part))}
            for number, part in enumerate(attachments(parsed))
        ]
        return render_template(
            "message.html",
            account=account,
            message=_summary(message),
            cc=message.header("Cc"),
            has_html=bool(html_text(parsed)),
            text=plain_text(parsed),
            files=files,
        )

    def _body(self, address: str, message_id: str) -> Response:
        account, message = self._found(address, message_id)
        places = {
            str(part["Content-ID"]).strip("<> "): url_for(
                "attachment", address=account.address, message_id=message.id, number=number
            )
            for number, part in enumerate(attachments(message.parsed))
            if part["Content-ID"]
        }
        html = re.sub(
            r"cid:([^\s\"'>]+)",
            lambda match: places.get(match[1], match[0]),
            html_text(message.parsed),
        )
        headers = {"Content-Security-Policy": BODY_POLICY, "X-Content-Type-Options": "nosniff"}
        return Response(html, 200, headers, content_type="text/html; charset=utf-8")

    def _attachment(self, address: str, message_id: str, number: int) -> Response:
        _, message = self._found(address, message_id)
        parts = attachments(message.parsed)
        if number >= len(parts):
            abort(404)
        part = parts[number]
        name = quote(_file_name(part, number))
        headers = {
            "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
            "X-Content-Type-Options": "nosniff",
        }
        return Response(part_bytes(part), 200, headers, content_type=part.get_content_type())

    def _found(self, address: str, message_id: str) -> tuple[Account, StoredMessage]:
        account = self._accounts.find(address)
        message = self._store.find(account.id, message_id) if account else None
        if account is None or message is None:
            abort(404)
        return account, message


def _summary(message: StoredMessage) -> dict[str, Any]:
    return {
        "id": message.id,
        "subject": message.header("Subject"),
        "sender": message.header("From"),
        "to": message.header("To"),
        "time": datetime.fromtimestamp(message.arrived / 1000, EL_SALVADOR),
        "is_sent": "INBOX" not in message.labels,
        "files": len(attachments(message.parsed)),
    }


def _file_name(part: EmailMessage, number: int) -> str:
    return part.get_filename() or f"adjunto-{number + 1}"
