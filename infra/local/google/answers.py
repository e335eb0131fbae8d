"""A call and its answer as plain values, so that a batch can make calls without a socket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Response


@dataclass(frozen=True)
class Call:
    verb: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]  # names in lower case
    body: bytes


@dataclass(frozen=True)
class Answer:
    """A body is JSON, or a text that is HTML, or the bytes of a file, or nothing."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        if isinstance(self.body, str):
            return self.body.encode()
        if isinstance(self.body, bytes):
            return self.body
        if self.body is None:
            return b""
        return (json.dumps(self.body, indent=2, ensure_ascii=False) + "\n").encode()

    def all_headers(self) -> dict[str, str]:
        kind = "text/html" if isinstance(self.body, str) else "application/json"
        kind = "application/octet-stream" if isinstance(self.body, bytes) else kind
        return {
            "Content-Type": f"{kind}; charset=UTF-8",
            "Cache-Control": "private",
            "Vary": "Origin, X-Origin, Referer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "SAMEORIGIN",
            **self.headers,
        }

    def as_response(self) -> Response:
        return Response(self.content(), self.status, self.all_headers())


NOT_SERVED = (
    "<!DOCTYPE html><html lang=en><title>Error 404 (Not Found)!!1</title>"
    "<p><b>404.</b> The requested URL was not found on this server. That's all we know."
)
