"""The cookies: one that carries a session, one that carries a sign-in attempt to Google and back."""

import hashlib
import hmac
from datetime import timedelta

import flask
from itsdangerous import BadData, URLSafeTimedSerializer

from secciones.ports.sign_in import SignInAttempt

# `__Host-`: the browser takes them only from this very host, over a secure connection, for all paths.
SESSION_COOKIE = "__Host-session"
ATTEMPT_COOKIE = "__Host-sign-in"
ATTEMPT_LIFETIME = timedelta(minutes=10)
_LONGEST_COOKIE = 1024


def session_cookie(request: flask.Request) -> str | None:
    """The value of the session's cookie, if it can be one at all."""
    return _cookie(request, SESSION_COOKIE)


def set_session_cookie(response: flask.Response, value: str, lifetime: timedelta) -> None:
    """Give the browser its session."""
    _set_cookie(response, SESSION_COOKIE, value, lifetime)


def set_attempt_cookie(response: flask.Response, attempt: SignInAttempt, secret: str) -> None:
    """Let the browser carry the attempt, signed. It holds nothing of a person, and PKCE's verifier is worth nothing
    without the code that Google gives to this browser."""
    signed = _attempts(secret).dumps([attempt.state, attempt.nonce, attempt.code_verifier])
    _set_cookie(response, ATTEMPT_COOKIE, signed, ATTEMPT_LIFETIME)


def read_attempt_cookie(request: flask.Request, secret: str) -> SignInAttempt | None:
    """The attempt that this browser carries; None when there is none, it is forged, or too old."""
    try:
        fields = _attempts(secret).loads(_cookie(request, ATTEMPT_COOKIE) or "", max_age=ATTEMPT_LIFETIME.seconds)
        state, nonce, code_verifier = fields
    except (BadData, ValueError):
        return None
    return SignInAttempt(state, nonce, code_verifier)


def forget(response: flask.Response, name: str) -> None:
    """Take a cookie away from the browser."""
    response.delete_cookie(name, path="/", secure=True, httponly=True, samesite="Lax")


def csrf_token(session_id: str, secret: str, salt: str) -> str:
    """What a form of this session carries to prove that it is ours; with another salt it is another text."""
    proof = hmac.new(secret.encode(), f"csrf\0{session_id}\0{salt}".encode(), hashlib.sha256)
    return f"{salt}.{proof.hexdigest()}"


def is_csrf_token(token: str, session_id: str, secret: str) -> bool:
    """Whether it is one of this session, with whatever salt."""
    salt = token.rpartition(".")[0]
    return hmac.compare_digest(token.encode(), csrf_token(session_id, secret, salt).encode())


def _cookie(request: flask.Request, name: str) -> str | None:
    if "Cookie" not in request.headers:  # as of most who see the first page, and the parser takes its time for nothing
        return None
    # A browser sends one cookie of a `__Host-` name: of two, one was planted, and nobody can say which.
    values = request.cookies.getlist(name)
    return values[0] if len(values) == 1 and 0 < len(values[0]) <= _LONGEST_COOKIE else None


def _set_cookie(response: flask.Response, name: str, value: str, lifetime: timedelta) -> None:
    # Lax, not Strict: the answer from Google is a navigation from another site and has to bring the attempt along.
    response.set_cookie(
        name, value, max_age=int(lifetime.total_seconds()), path="/", secure=True, httponly=True, samesite="Lax"
    )


def _attempts(secret: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret, salt="sign-in-attempt", signer_kwargs={"digest_method": hashlib.sha256})
