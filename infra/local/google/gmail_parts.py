"""How Gmail's API writes a message down, and how it takes one by the media form."""

from __future__ import annotations

import base64
import json
from email.message import EmailMessage, MIMEPart
from email.parser import BytesParser
from email.policy import HTTP
from html import escape
from typing import Any

from infra.local.google.answers import Call
from infra.local.google.discovery import Violation
from infra.local.google.mail_store import StoredMessage, part_bytes, plain_text


def uploaded(call: Call) -> tuple[dict[str, Any], bytes]:
    """Metadata and message of the media form, alone (media) or with its metadata (multipart)."""
    kind = call.headers.get("content-type", "")
    form = call.query.get("uploadType", ["media"])[-1]
    if form == "media":
        return {}, call.body
    if form != "multipart":
        raise Violation(f"Upload type {form} is not served here", "uploadType")
    whole = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + call.body)
    parts = list(whole.iter_parts()) if isinstance(whole, EmailMessage) else []
    if len(parts) != 2:
        raise Violation("Multipart content must have two parts", "")
    try:
        return json.loads(part_bytes(parts[0])), _embedded(parts[1])
    except ValueError:
        raise Violation("Invalid JSON payload received.", "") from None


def _embedded(part: MIMEPart) -> bytes:
    if part.get_content_type() == "message/rfc822":
        inner = part.get_content()
        return bytes(inner)
    return part_bytes(part)


def message_part(part: EmailMessage, part_id: str = "", numbers: dict[int, int] | None = None) -> dict[str, Any]:
    if numbers is None:
        numbers = {id(each): number for number, each in enumerate(part.walk())}
    result: dict[str, Any] = {
        "partId": part_id,
        "mimeType": part.get_content_type(),
        "filename": part.get_filename() or "",
        "headers": headers_of(part),
    }
    if part.is_multipart():
        children = [child for child in part.iter_parts() if isinstance(child, EmailMessage)]
        prefix = f"{part_id}." if part_id else ""
        result["body"] = {"size": 0}
        result["parts"] = [message_part(child, f"{prefix}{n}", numbers) for n, child in enumerate(children)]
        return result
    content = part_bytes(part)
    if part.get_filename():
        result["body"] = {"attachmentId": attachment_id(numbers[id(part)]), "size": len(content)}
    else:
        result["body"] = {"size": len(content), "data": base64url(content)}
    return result


def attachment_id(number: int) -> str:
    return f"ANGjdJ{number:04d}"


def headers_of(part: EmailMessage) -> list[dict[str, str]]:
    return [{"name": name, "value": str(value)} for name, value in part.items()]


def snippet(message: StoredMessage) -> str:
    return escape(" ".join(plain_text(message.parsed).split())[:200])


def base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode()
