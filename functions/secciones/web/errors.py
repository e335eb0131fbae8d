"""The one table of what can go wrong on a page: its status, its template and what the audit calls it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from secciones.domain import errors


class SessionRequired(errors.SeccionesError):
    """The page needs a session, and there is none any more."""


class FormExpired(errors.SeccionesError):
    """The form is not of this session, or not of this site."""


class BadRequest(errors.SeccionesError):
    """Fields or ids that none of our own pages sends."""


@dataclass(frozen=True)
class ErrorPage:
    """How one kind of error is answered."""

    status: int
    template: str
    outcome: str


_PAGES: dict[type[Exception], ErrorPage] = {
    SessionRequired: ErrorPage(401, "session_expired", "no_session"),
    FormExpired: ErrorPage(403, "form_expired", "form_expired"),
    BadRequest: ErrorPage(400, "bad_request", "bad_request"),
    errors.SignInFailed: ErrorPage(400, "sign_in_failed", "sign_in_failed"),
    errors.WrongDomain: ErrorPage(403, "wrong_domain", "wrong_domain"),
    errors.NotATeacherAccount: ErrorPage(403, "not_a_teacher", "not_a_teacher"),
    errors.TwoStepRequired: ErrorPage(403, "two_step_required", "no_two_step"),
    errors.IdentityTooOld: ErrorPage(403, "identity_too_old", "identity_too_old"),
    errors.TooManyAttempts: ErrorPage(429, "identity_locked", "too_many_attempts"),
    errors.NotAssigned: ErrorPage(404, "not_found", "not_assigned"),
    errors.BatchNotFound: ErrorPage(404, "not_found", "batch_not_found"),
    NotFound: ErrorPage(404, "not_found", "not_found"),
    MethodNotAllowed: ErrorPage(405, "method_not_allowed", "method_not_allowed"),
    RequestEntityTooLarge: ErrorPage(413, "too_large", "too_large"),
    HTTPException: ErrorPage(400, "bad_request", "bad_request"),
    errors.SectionClosed: ErrorPage(409, "section_closed", "section_closed"),
    errors.NothingSelected: ErrorPage(422, "nothing_selected", "nothing_selected"),
    errors.TooManySelected: ErrorPage(422, "too_many_selected", "too_many_selected"),
    errors.TooManyBatches: ErrorPage(429, "too_many_batches", "too_many_batches"),
    errors.ResendRefused: ErrorPage(409, "resend_refused", "resend_refused"),
    errors.FormAlreadyUsed: ErrorPage(409, "form_already_used", "form_already_used"),
    errors.ResetsPaused: ErrorPage(503, "paused", "paused"),
    errors.Unavailable: ErrorPage(503, "unavailable", "unavailable"),
}
_INTERNAL = ErrorPage(500, "internal", "failed")

_SYSTEMS: dict[type[Exception], str] = {
    errors.RegistryUnavailable: "siges",
    errors.DirectoryUnavailable: "google",
    errors.SignInUnavailable: "google",
    errors.SealerUnavailable: "google",
}


def error_page(error: Exception) -> ErrorPage:
    """How an error is answered; what is not in the table is a fault in the program."""
    return next((page for kind, page in _PAGES.items() if isinstance(error, kind)), _INTERNAL)


def error_context(error: Exception) -> dict[str, Any]:
    """What the error's template needs besides what every page is given."""
    match error:
        case errors.TooManyAttempts(until=until):
            # Pages say it to the minute; whoever comes back in that minute must not be too early.
            return {"until": until and until + timedelta(minutes=1)}
        case errors.TooManySelected(limit=limit):
            return {"limit": limit}
        case errors.TooManyBatches(limit=limit, until=until):
            return {"limit": limit, "until": until}
        case errors.FormAlreadyUsed(batch_id=batch_id) | errors.ResendRefused(batch_id=batch_id):
            return {"batch_url": f"/secciones/resultado/{batch_id}"}
        case errors.ResetsPaused(notice=notice):
            return {"notice": notice}
        case errors.Unavailable():
            return {"system": next((name for kind, name in _SYSTEMS.items() if isinstance(error, kind)), "store")}
        case _:
            return {}
