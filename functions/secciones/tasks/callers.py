"""Who may call a background function: the platform, with an OIDC token, and nobody else.

Ingress and IAM refuse strangers before the function runs; the function checks all the same, since one wrong grant
would otherwise let anyone start a batch or a sweep.
"""

from dataclasses import dataclass, field

from secciones.domain.errors import CallerRefused, DocumentsUnavailable
from secciones.ports.audit import AuditEvent, AuditLog
from secciones.ports.clock import Clock
from secciones.ports.sign_in import CallerVerifier

_LONGEST_TOKEN = 8192


@dataclass(frozen=True)
class Caller:
    """The audience (the function's own address) and the service account that a token must carry.

    `audit` is None for a function whose identity may not write into it: of a stranger there the log alone knows.
    """

    verifier: CallerVerifier
    audience: str
    service_account: str
    audit: AuditLog | None
    clock: Clock
    _told: set[str] = field(default_factory=set, init=False, repr=False, compare=False)

    def check(self, authorization: str) -> None:
        """Look at a call's Authorization header.

        Raises CallerRefused, or SignInUnavailable when the issuer's keys cannot be had."""
        try:
            self._verify(authorization)
        except CallerRefused as error:
            self._tell(str(error))
            raise

    def _verify(self, authorization: str) -> None:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > _LONGEST_TOKEN:
            raise CallerRefused("no bearer token")
        self.verifier.verify(token, self.audience, self.service_account)

    def _tell(self, reason: str) -> None:
        """One event an hour and function, however many calls there are: a stranger must not fill the audit."""
        key = f"stranger-{self.service_account}-{self.clock.now():%Y%m%d%H}"
        if self.audit is None or key in self._told:
            return
        try:
            self.audit.record(AuditEvent("refusal", "stranger", key=key, details={"reason": reason}))
        except DocumentsUnavailable:
            return  # the audit log has written its line, and the next call tries again
        self._told.add(key)
