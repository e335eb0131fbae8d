"""OpenID Connect as Google speaks it: people who sign in, and the platform when it calls a background function."""

import base64
import hashlib
import hmac
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import urlencode

from secciones.domain.errors import CallerRefused, SignInFailed, SignInUnavailable
from secciones.domain.people import clean_name
from secciones.ports.sign_in import Identity, SignInAttempt

if TYPE_CHECKING:
    from requests import Response

TIMEOUT_SECONDS = 5
CLOCK_SKEW_SECONDS = 10
KEEP_SECONDS = 3600.0
# A token that names a key not seen yet may be the first after a change of keys; it may also be anyone's invention.
REFETCH_SECONDS = 60.0

_GOOGLE = "https://accounts.google.com"
_GOOGLE_WITHOUT_SCHEME = "accounts.google.com"
# What stands in place of the signature (Cloud Run, "Authenticating service-to-service").
_CHECKED_BY_CLOUD_RUN = ".SIGNATURE_REMOVED_BY_GOOGLE"
# People write their own names; no page needs more of one.
_LONGEST_NAME = 200
_WORD = re.compile(r"[a-z_]{1,40}")

T = TypeVar("T")


class GoogleIdentityProvider:
    """Signs people in at `issuer`; `workspace_domain` is a hint for its account chooser and proves nothing."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str,
        redirect_uri: str,
        workspace_domain: str,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = _Issuer(issuer, monotonic)
        self._client_id = client_id
        self._client_secret = client_secret
        self._redirect_uri = redirect_uri
        self._workspace_domain = workspace_domain

    def authorization_url(self, attempt: SignInAttempt) -> str:
        """See IdentityProvider."""
        parameters = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._redirect_uri,
            "scope": "openid email profile",
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": _s256(attempt.code_verifier),
            "code_challenge_method": "S256",
            "hd": self._workspace_domain,
            "prompt": "select_account",
        }
        return f"{self._issuer.configuration().authorization_endpoint}?{urlencode(parameters)}"

    def identify(self, code: str, attempt: SignInAttempt) -> Identity:
        """See IdentityProvider."""
        token = self._exchanged(code, attempt.code_verifier)
        try:
            claims = self._issuer.claims(token, self._client_id)
            if not hmac.compare_digest(_text(claims, "nonce").encode(), attempt.nonce.encode()):
                raise _NoProof("the nonce is another attempt's")
            return _identity(claims)
        except _NoProof as error:
            raise SignInFailed(str(error)) from None

    def _exchanged(self, code: str, code_verifier: str) -> str:
        """The ID token that the code stands for."""
        answer = _request(
            "POST",
            self._issuer.configuration().token_endpoint,
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self._redirect_uri,
                "client_id": self._client_id,
                "client_secret": self._client_secret,
                "code_verifier": code_verifier,
            },
        )
        if answer.status_code == 200:
            return _text_of(_json(answer), "id_token")
        word = _json(answer).get("error") if answer.status_code == 400 else None
        if word == "invalid_grant":
            raise SignInFailed("the code is not valid, or not any more")
        raise SignInUnavailable(f"the code was not exchanged: {answer.status_code} {_word(word)}".rstrip())


class OidcCallerVerifier:
    """Verifies tokens of service accounts that `issuer` made.

    Cloud Run checks the token of a call and then takes its signature off, so that nobody can use it a second time. Only
    with `takes_checked` such a token is believed, and only as far as Cloud Run lets none in that it has not checked:
    what is then still refused is a caller whom a wrong grant has let in.
    """

    def __init__(
        self, issuer: str, *, takes_checked: bool = False, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._issuer = _Issuer(issuer, monotonic)
        self._takes_checked = takes_checked

    def verify(self, token: str, audience: str, service_account: str) -> None:
        """See CallerVerifier."""
        try:
            is_checked = self._takes_checked and token.endswith(_CHECKED_BY_CLOUD_RUN)
            look = self._issuer.checked_claims if is_checked else self._issuer.claims
            claims = look(token, audience)
        except _NoProof as error:
            raise CallerRefused(str(error)) from None
        if claims.get("email_verified") is not True or claims.get("email") != service_account:
            raise CallerRefused("the token is not the caller's service account's")


class _NoProof(Exception):
    """A token that proves nothing; the message has nothing of the token in it."""


@dataclass(frozen=True)
class _Configuration:
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class _Issuer:
    """An OpenID provider: where its endpoints are, and whether a token is its own."""

    def __init__(self, issuer: str, monotonic: Callable[[], float]) -> None:
        self._issuer = issuer
        # Google's tokens have been seen with both; nobody else's may leave the scheme out.
        self._accepted = {issuer, _GOOGLE_WITHOUT_SCHEME} if issuer == _GOOGLE else {issuer}
        self._configuration = _Kept(self._fetch_configuration, monotonic)
        self._keys = _Kept(self._fetch_keys, monotonic)

    def configuration(self) -> _Configuration:
        """Raises SignInUnavailable."""
        return self._configuration.get(KEEP_SECONDS)

    def claims(self, token: str, audience: str) -> Mapping[str, Any]:
        """The claims of a token whose signature, issuer, audience and times hold.

        Raises _NoProof, and SignInUnavailable when the keys cannot be had.
        """
        from google.auth import jwt
        from google.auth.exceptions import GoogleAuthError

        try:
            keys = self._keys_with(jwt.decode_header(token).get("kid"))
            claims: Mapping[str, Any] = jwt.decode(
                token, certs=keys, audience=audience, clock_skew_in_seconds=CLOCK_SKEW_SECONDS
            )
        except (ValueError, TypeError, GoogleAuthError):
            raise _NoProof("signature, audience or time do not hold") from None
        if claims.get("iss") not in self._accepted:
            raise _NoProof("another issuer's token")
        return claims

    def checked_claims(self, token: str, audience: str) -> Mapping[str, Any]:
        """The claims of a token whose signature and times somebody else has checked. Raises _NoProof."""
        from google.auth import jwt

        try:
            claims: Mapping[str, Any] = jwt.decode(token, verify=False)
        except (ValueError, TypeError):
            raise _NoProof("the token is unreadable") from None
        if claims.get("iss") not in self._accepted or claims.get("aud") != audience:
            raise _NoProof("another issuer's token, or for another audience")
        return claims

    def _keys_with(self, key_id: object) -> dict[str, bytes]:
        """The issuer's keys, fetched again when this one is not among those at hand."""
        if not isinstance(key_id, str):
            raise _NoProof("the token names no key")
        keys = self._keys.get(KEEP_SECONDS)
        if key_id not in keys:
            keys = self._keys.get(REFETCH_SECONDS)
        if key_id not in keys:
            raise _NoProof("the token names a key that the issuer does not have")
        return keys

    def _fetch_configuration(self) -> _Configuration:
        document = _fetched(f"{self._issuer}/.well-known/openid-configuration")
        if document.get("issuer") != self._issuer:
            raise SignInUnavailable("the provider's configuration is another issuer's")
        return _Configuration(
            authorization_endpoint=_text_of(document, "authorization_endpoint"),
            token_endpoint=_text_of(document, "token_endpoint"),
            jwks_uri=_text_of(document, "jwks_uri"),
        )

    def _fetch_keys(self) -> dict[str, bytes]:
        keys = _fetched(self.configuration().jwks_uri).get("keys")
        if not isinstance(keys, list):
            raise SignInUnavailable("the provider's keys are no list")
        return dict(_pem(key) for key in keys if isinstance(key, dict) and key.get("kty") == "RSA" and "kid" in key)


class _Kept(Generic[T]):
    """A value that is fetched when it is asked for and kept for a while; one thread fetches, the others wait."""

    def __init__(self, fetch: Callable[[], T], monotonic: Callable[[], float]) -> None:
        self._fetch = fetch
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._kept: tuple[T, float] | None = None

    def get(self, max_age: float) -> T:
        with self._lock:
            now = self._monotonic()
            if self._kept is None or now - self._kept[1] >= max_age:
                self._kept = (self._fetch(), now)
            return self._kept[0]


def _identity(claims: Mapping[str, Any]) -> Identity:
    return Identity(
        subject=_text(claims, "sub"),
        address=_text(claims, "email").lower(),
        name=clean_name(_optional_text(claims, "name"))[:_LONGEST_NAME],
        hosted_domain=_optional_text(claims, "hd"),
        address_is_verified=claims.get("email_verified") is True,
    )


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise _NoProof(f"the token has no {name}")
    return value


def _optional_text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""


def _s256(code_verifier: str) -> str:
    digest = hashlib.sha256(code_verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _pem(key: Mapping[str, Any]) -> tuple[str, bytes]:
    """A key as google.auth.jwt takes it, under its id: its JWK branch allows for no difference between clocks."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        public_key = RSAPublicNumbers(e=_number(key["e"]), n=_number(key["n"])).public_key()
    except (KeyError, TypeError, ValueError):
        raise SignInUnavailable("one of the provider's keys is unreadable") from None
    return str(key["kid"]), public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _number(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=="), "big")


def _fetched(url: str) -> dict[str, Any]:
    answer = _request("GET", url)
    if answer.status_code != 200:
        raise SignInUnavailable(f"the provider answers {answer.status_code}")
    return _json(answer)


def _request(method: str, url: str, **options: Any) -> "Response":
    import requests

    try:
        return requests.request(method, url, timeout=TIMEOUT_SECONDS, allow_redirects=False, **options)
    except requests.RequestException as error:
        raise SignInUnavailable(f"the provider does not answer: {type(error).__name__}") from None


def _json(answer: "Response") -> dict[str, Any]:
    try:
        document = answer.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise SignInUnavailable("the provider's answer is unreadable")
    return document


def _text_of(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise SignInUnavailable(f"the provider's answer has no {name}")
    return value


def _word(value: object) -> str:
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""
