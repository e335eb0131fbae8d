"""Every error of the stand-in as application/problem+json, in the words of the contract."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from flask import Response

_CODES = {
    HTTPStatus.BAD_REQUEST: "bad_request",
    HTTPStatus.UNAUTHORIZED: "unauthorized",
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "unsupported_media_type",
    HTTPStatus.UNPROCESSABLE_ENTITY: "invalid_request",
    HTTPStatus.TOO_MANY_REQUESTS: "too_many_requests",
    HTTPStatus.INTERNAL_SERVER_ERROR: "internal_error",
    HTTPStatus.SERVICE_UNAVAILABLE: "unavailable",
}


class Problem(Exception):
    """An error answer; `detail` never repeats what was sent."""

    def __init__(
        self, status: int, code: str | None = None, detail: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, code)
        self.status = HTTPStatus(status)
        self.code = code or _CODES.get(self.status, "internal_error" if status >= 500 else "bad_request")
        self.detail = detail
        self.headers = dict(headers or {})


def problem_response(problem: Problem) -> Response:
    """The answer that a problem stands for."""
    body: dict[str, object] = {
        "type": f"urn:siges:problem:{problem.code}",
        "title": problem.status.phrase,
        "status": int(problem.status),
        "code": problem.code,
    }
    if problem.detail:
        body["detail"] = problem.detail
    return Response(
        json.dumps(body), status=problem.status, headers=problem.headers, content_type="application/problem+json"
    )
