"""Errors as Google's APIs write them, in the two forms that these APIs use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
USAGE_REASONS = frozenset({"userRateLimitExceeded", "quotaExceeded", "rateLimitExceeded", "dailyLimitExceeded"})


class ApiError(Exception):
    """A refusal. `reason` is what Directory and Gmail put into `errors`; Cloud APIs leave it out."""

    def __init__(
        self,
        code: int,
        message: str,
        reason: str,
        *,
        short: str | None = None,
        status: str | None = None,
        details: list[dict[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.reason = reason
        self.short = short or message
        self.status = status
        self.details = details
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})

    def listed_body(self) -> dict[str, Any]:
        """The form of Directory and Gmail: a list of errors, each with its reason."""
        domain = "usageLimits" if self.reason in USAGE_REASONS else "global"
        entry = {"message": self.short, "domain": domain, "reason": self.reason, **self.extra}
        error: dict[str, Any] = {"code": self.code, "message": self.message, "errors": [entry]}
        return {"error": {**error, **self._status(None)}}

    def cloud_body(self) -> dict[str, Any]:
        """The form of Cloud APIs: a canonical status in place of the list."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        return {"error": {**error, **self._status(STATUS_NAMES.get(self.code, "UNKNOWN"))}}

    def _status(self, default: str | None) -> dict[str, Any]:
        status = self.status or default
        found: dict[str, Any] = {"status": status} if status else {}
        return {**found, "details": self.details} if self.details else found


def not_found(what: str) -> ApiError:
    return ApiError(404, f"Resource Not Found: {what}", "notFound")


def forbidden() -> ApiError:
    return ApiError(403, "Not Authorized to access this resource/api", "forbidden")


def invalid(message: str) -> ApiError:
    return ApiError(400, message, "invalid")


def bad_payload(message: str, field: str) -> ApiError:
    violation = {"field": field, "description": message}
    kind = "type.googleapis.com/google.rpc.BadRequest"
    details: list[dict[str, Any]] = [{"@type": kind, "fieldViolations": [violation]}]
    return ApiError(400, message, "invalid", status="INVALID_ARGUMENT", details=details)


def no_credentials() -> ApiError:
    return ApiError(
        401,
        "Request is missing required authentication credential. Expected OAuth 2 access token, "
        "login cookie or other valid authentication credential. See "
        "https://developers.google.com/identity/sign-in/web/devconsole-project.",
        "required",
        short="Login Required.",
        status="UNAUTHENTICATED",
        headers={"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/"'},
        extra={"location": "Authorization", "locationType": "header"},
    )


def bad_credentials() -> ApiError:
    return ApiError(
        401,
        "Request had invalid authentication credentials. Expected OAuth 2 access token, "
        "login cookie or other valid authentication credential. See "
        "https://developers.google.com/identity/sign-in/web/devconsole-project.",
        "authError",
        short="Invalid Credentials",
        status="UNAUTHENTICATED",
        headers={"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", error="invalid_token"'},
        extra={"location": "Authorization", "locationType": "header"},
    )


def insufficient_scope(method: str, scopes: frozenset[str]) -> ApiError:
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "domain": "googleapis.com",
        "metadata": {"method": method},
    }
    challenge = (
        f'Bearer realm="https://accounts.google.com/", error="insufficient_scope", scope="{" ".join(sorted(scopes))}"'
    )
    return ApiError(
        403,
        "Request had insufficient authentication scopes.",
        "insufficientPermissions",
        short="Insufficient Permission",
        status="PERMISSION_DENIED",
        details=[info],
        headers={"WWW-Authenticate": challenge},
    )


def rate_limited() -> ApiError:
    message = (
        "User Rate Limit Exceeded. Rate of requests for user exceed configured project quota, you "
        "may consider re-evaluating expected per-user traffic to the API and adjust project quota "
        "limits accordingly."
    )
    help_page = "https://console.developers.google.com/apis/api/admin.googleapis.com/quotas"
    return ApiError(403, message, "userRateLimitExceeded", extra={"extendedHelp": help_page})
