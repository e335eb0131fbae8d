"""Who Secciones is to Google: the function's own service account, or a person of the domain on whose behalf it acts."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform"
_SIGNING_TIMEOUT_SECONDS = 10


def application_credentials(scopes: Sequence[str]) -> "Credentials":
    """The function's own credentials, found as google.auth finds them. Keep them: they keep their token."""
    import google.auth

    credentials: Credentials
    credentials, _project = google.auth.default(scopes=list(scopes))
    return credentials


def delegated_credentials(
    service_account: str, subject: str, scopes: Sequence[str], token_endpoint: str
) -> "Credentials":
    """Credentials of `subject` (domain-wide delegation). Keep them: each token costs one signature and one exchange.

    In the cloud there is no key: IAM signs for `service_account`, on which the function's own account must be Token
    Creator. Where the function's own credentials are a key, the key signs.
    """
    from google.auth import iam
    from google.auth.transport.requests import Request
    from google.oauth2.service_account import Credentials as SigningCredentials

    own = application_credentials([CLOUD_PLATFORM])
    delegated: Credentials
    if isinstance(own, SigningCredentials):
        delegated = own.with_scopes(list(scopes)).with_subject(subject).with_token_uri(token_endpoint)
    else:
        signer = iam.Signer(partial(Request(), timeout=_SIGNING_TIMEOUT_SECONDS), own, service_account)
        delegated = SigningCredentials(signer, service_account, token_endpoint, scopes=list(scopes), subject=subject)
    return delegated
