"""Google's batch endpoint: up to 1,000 calls in one multipart/mixed request, each answered apart.

Every call counts for the quota and fails for itself, as with Google; a batch saves round trips
and nothing else.
"""

from __future__ import annotations

import secrets
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

from infra.local.google.answers import Answer, Call
from infra.local.google.errors import ApiError
from infra.local.google.gateway import Gateway, call_of, with_default_credentials

MOST_CALLS = 1000


def answer_batch(gateway: Gateway, call: Call) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer to a whole batch."""
    try:
        parts = _parts(call)
    except ApiError as error:
        refusal = Answer(error.code, error.listed_body())
        return refusal.status, refusal.all_headers(), refusal.content()
    boundary = f"batch_{secrets.token_hex(12)}"
    lines = bytearray()
    for part in parts:
        answer = _answer_part(gateway, part, call.headers.get("authorization"))
        lines += f"--{boundary}\r\n".encode() + _as_part(part, answer) + b"\r\n"
    lines += f"--{boundary}--\r\n".encode()
    kind = f"multipart/mixed; boundary={boundary}"
    return 200, {"Content-Type": kind, "Cache-Control": "private"}, bytes(lines)


def _parts(call: Call) -> list[Message]:
    kind = call.headers.get("content-type", "")
    if not kind.startswith("multipart/mixed"):
        raise _bad_request("Missing a valid multipart/mixed content type.")
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + call.body)
    parts = message.get_payload()
    if not message.is_multipart() or not isinstance(parts, list):
        raise _bad_request("Failed to parse batch request, error: 0 items.")
    if len(parts) > MOST_CALLS:
        raise _bad_request(f"The batch request exceeds the limit of {MOST_CALLS} calls.")
    return [part for part in parts if isinstance(part, Message)]


def _answer_part(gateway: Gateway, part: Message, authorization: str | None) -> Answer:
    inner = _call(part)
    if inner is None:
        error = _bad_request("Failed to parse inner request.")
        return Answer(error.code, error.listed_body())
    return gateway.answer(with_default_credentials(inner, authorization))


def _call(part: Message) -> Call | None:
    payload = part.get_payload(decode=True)
    if part.get_content_type() != "application/http" or not isinstance(payload, bytes):
        return None
    first, _, rest = payload.lstrip().partition(b"\n")
    words = first.decode("ascii", "replace").split()
    if len(words) not in (2, 3):
        return None
    target = urlsplit(words[1])
    message = BytesParser(policy=HTTP).parsebytes(rest)
    body = message.get_payload(decode=True)
    headers = {name: str(value) for name, value in message.items()}
    content = body if isinstance(body, bytes) else b""
    return call_of(words[0].upper(), unquote(target.path), target.query, headers, content)


def _as_part(part: Message, answer: Answer) -> bytes:
    status = HTTPStatus(answer.status)
    content = answer.content()
    content_id = str(part.get("Content-ID", "")).strip()
    head = ["Content-Type: application/http"]
    if content_id.startswith("<"):
        head.append(f"Content-ID: <response-{content_id[1:]}")
    inner = [f"HTTP/1.1 {status.value} {status.phrase}"]
    inner += [f"{name}: {value}" for name, value in answer.all_headers().items()]
    inner.append(f"Content-Length: {len(content)}")
    return "\r\n".join([*head, "", *inner, "", ""]).encode() + content


def _bad_request(message: str) -> ApiError:
    return ApiError(400, message, "badRequest")
