"""Signing in with the institution's identity provider (OpenID Connect)."""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Identity:
    """Whom the provider vouches for; `subject` never changes, an address may. `hosted_domain` is empty for accounts
    of no organisation."""

    subject: str
    address: str
    name: str
    hosted_domain: str
    address_is_verified: bool


@dataclass(frozen=True)
class SignInAttempt:
    """What one attempt must be answered with; it lives in a signed cookie until the answer comes."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)


class IdentityProvider(Protocol):
    """Authorization code flow with PKCE (S256)."""

    def authorization_url(self, attempt: SignInAttempt) -> str:
        """Where to send the browser; raises SignInUnavailable."""
        ...

    def identify(self, code: str, attempt: SignInAttempt) -> Identity:
        """Exchange the code, and verify the ID token's signature, issuer, audience, expiry and nonce.

        Raises SignInFailed when the answer is no proof, SignInUnavailable when the provider does not answer.
        """
        ...


class CallerVerifier(Protocol):
    """Verifies the OIDC tokens with which the platform calls background functions."""

    def verify(self, token: str, audience: str, service_account: str) -> None:
        """Raises CallerRefused unless the token is the issuer's, for this audience, unexpired, and of this service
        account with a verified address; SignInUnavailable when the issuer's keys cannot be had."""
        ...
