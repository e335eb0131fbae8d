"""Who may call a background function: the platform, with an OIDC token, and nobody else.

Ingress and IAM refuse strangers before the function runs; the function checks all the same, since one wrong grant
would otherwise let anyone start a batch or a sweep.
"""

from dataclasses import dataclass

from secciones.domain.errors import CallerRefused
from secciones.ports.sign_in import CallerVerifier

_LONGEST_TOKEN = 8192


@dataclass(frozen=True)
class Caller:
    """The audience (the function's own address) and the service account that a token must carry."""

    verifier: CallerVerifier
    audience: str
    service_account: str

    def check(self, authorization: str) -> None:
        """Look at a call's Authorization header.

        Raises CallerRefused, or SignInUnavailable when the issuer's keys cannot be had."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > _LONGEST_TOKEN:
            raise CallerRefused("no bearer token")
        self.verifier.verify(token, self.audience, self.service_account)
