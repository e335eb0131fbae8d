"""The Gmail API's messages: send, list, get and their attachments.

Stricter than Gmail in one point: a From that is not the sender's own address is refused, where
Gmail would quietly replace it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

from infra.local.google.accounts import Account, Accounts
from infra.local.google.config import SCOPE
from infra.local.google.discovery import Document, decode_bytes
from infra.local.google.errors import ApiError
from infra.local.google.gateway import Api, Handler, Request
from infra.local.google.gmail_parts import (
    attachment_id,
    base64url,
    headers_of,
    message_part,
    snippet,
    uploaded,
)
from infra.local.google.mail_store import (
    MailStore,
    StoredMessage,
    addresses,
    parse,
    part_bytes,
    plain_text,
)

LARGEST = 36_700_160
METADATA_SCOPE = f"{SCOPE}gmail.metadata"
SEARCH_TERM = re.compile(r'(?:(\w+):)?(?:"([^"]*)"|(\S+))')
SEARCHES: dict[str, Callable[[StoredMessage, str], bool]] = {
    "rfc822msgid": lambda message, text: message.header("Message-ID").strip("<> ") == text.strip("<>"),
    "from": lambda message, text: text.lower() in message.header("From").lower(),
    "to": lambda message, text: text.lower() in message.header("To").lower(),
    "subject": lambda message, text: text.lower() in message.header("Subject").lower(),
    "in": lambda message, text: text.upper() in (*message.labels, "ANYWHERE"),
    "is": lambda message, text: (text.lower() == "unread") == ("UNREAD" in message.labels),
}


class Gmail:
    def __init__(self, store: MailStore, accounts: Accounts) -> None:
        self._store = store
        self._accounts = accounts

    def api(self) -> Api:
        handlers: dict[str, Handler] = {
            "gmail.users.messages.send": self._send,
            "gmail.users.messages.list": self._list,
            "gmail.users.messages.get": self._get,
            "gmail.users.messages.attachments.get": self._attachment,
        }
        uploads = {"gmail.users.messages.send": uploaded}
        return Api("gmail", Document("gmail.v1.json"), handlers, body_name="message", uploads=uploads)

    def _send(self, request: Request) -> dict[str, Any]:
        person = self._person(request)
        raw = request.media
        if raw is None:
            raw = decode_bytes(request.body.get("raw") or "")
        if not raw:
            raise _invalid("'raw' RFC822 payload message string or uploading message via /upload/* URL required")
        if len(raw) > LARGEST:
            raise ApiError(413, "Request Entity Too Large", "uploadTooLarge")
        raw = _with_sender(person, raw)
        if not addresses(parse(raw)):
            raise _invalid("Recipient address required")
        kept = self._store.deliver(person, raw)
        return {"id": kept.id, "threadId": kept.thread, "labelIds": list(kept.labels)}

    def _list(self, request: Request) -> dict[str, Any]:
        person = self._person(request)
        if request.get("q") and _sees_only_metadata(request):
            raise ApiError(403, "Metadata scope does not support 'q' parameter", "forbidden")
        wanted = {label.upper() for label in request["labelIds"]}
        found = [
            message
            for message in self._store.newest_first(person.id)
            if wanted <= set(message.labels) and _is_found(message, request.get("q") or "")
        ]
        start = _page_start(request.get("pageToken"))
        page = found[start : start + min(request["maxResults"], 500)]
        result: dict[str, Any] = {"resultSizeEstimate": len(found)}
        if page:
            result["messages"] = [{"id": each.id, "threadId": each.thread} for each in page]
        if start + len(page) < len(found):
            result["nextPageToken"] = f"{start + len(page):020d}"
        return result

    def _get(self, request: Request) -> dict[str, Any]:
        message = self._message(request, request["id"])
        form = request["format"]
        if form in ("full", "raw") and _sees_only_metadata(request):
            raise ApiError(403, f"Metadata scope doesn't allow format {form.upper()}", "forbidden")
        result: dict[str, Any] = {
            "id": message.id,
            "threadId": message.thread,
            "labelIds": list(message.labels),
            "snippet": snippet(message),
            "sizeEstimate": len(message.raw),
            "historyId": str(message.number),
            "internalDate": str(message.arrived),
        }
        if form == "raw":
            result["raw"] = base64url(message.raw)
        elif form == "full":
            result["payload"] = message_part(message.parsed)
        elif form == "metadata":
            wanted = {name.lower() for name in request["metadataHeaders"]}
            headers = [each for each in headers_of(message.parsed) if not wanted or each["name"].lower() in wanted]
            result["payload"] = {"mimeType": message.parsed.get_content_type(), "headers": headers}
        return result

    def _attachment(self, request: Request) -> dict[str, Any]:
        message = self._message(request, request["messageId"])
        for number, part in enumerate(message.parsed.walk()):
            if request["id"] == attachment_id(number) and isinstance(part, EmailMessage):
                content = part_bytes(part)
                return {"size": len(content), "data": base64url(content)}
        raise _invalid("Invalid attachment token")

    def _message(self, request: Request, message_id: str) -> StoredMessage:
        message = self._store.find(self._person(request).id, message_id)
        if message is None:
            raise ApiError(404, "Requested entity was not found.", "notFound", status="NOT_FOUND")
        return message

    def _person(self, request: Request) -> Account:
        subject = request.caller.subject
        person = self._accounts.find(subject) if subject else None
        if person is None or not person.may_sign_in:
            # What Gmail says to a service account that acts in nobody's name.
            raise ApiError(400, "Precondition check failed.", "failedPrecondition", status="FAILED_PRECONDITION")
        if request["userId"].lower() not in ("me", person.address, person.id):
            raise ApiError(403, f"Delegation denied for {person.address}", "forbidden", status="PERMISSION_DENIED")
        return person


def _with_sender(person: Account, raw: bytes) -> bytes:
    senders = addresses(parse(raw), ["From"])
    if not senders:
        return f"From: {person.address}\r\n".encode() + raw
    if len(senders) != 1 or senders[0] not in (person.address, *person.aliases):
        raise _invalid("Invalid From header")
    return raw


def _is_found(message: StoredMessage, query: str) -> bool:
    for name, quoted, bare in SEARCH_TERM.findall(query):
        text = quoted or bare
        search = SEARCHES.get(name.lower())
        if search is not None:
            if not search(message, text):
                return False
        elif text.lower() not in f"{message.header('Subject')} {plain_text(message.parsed)}".lower():
            return False
    return True


def _sees_only_metadata(request: Request) -> bool:
    return request.caller.scopes & request.method.scopes == {METADATA_SCOPE}


def _page_start(token: str | None) -> int:
    if token and not token.isdigit():
        raise _invalid("Invalid pageToken")
    return int(token or 0)


def _invalid(message: str) -> ApiError:
    return ApiError(400, message, "invalidArgument", status="INVALID_ARGUMENT")
