"""Google, as far as a test needs it at the HTTP edge: a token endpoint, a key of a service account, error bodies."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from google.auth.credentials import Credentials
from google.auth.crypt import RSASigner
from google.oauth2 import service_account

from tests.support.scripted_http import Answer, ScriptedServer

SERVICE_ACCOUNT = "worker@secciones-local.iam.gserviceaccount.com"
ADMINISTRATOR = "administrador@clases.edu.sv"
TOKEN_PATH = "/token"
METADATA_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"


@dataclass
class NoWait:
    """Stands in for time and chance between tries: waits nothing, remembers how long it was told to."""

    waits: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        """Instead of time.sleep."""
        self.waits.append(seconds)

    def random(self) -> float:
        """Instead of chance: the longest of all waits."""
        return 1.0


@cache
def private_key(name: str = "service account") -> rsa.RSAPrivateKey:
    """A throw-away key, the same one for the same name."""
    del name
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def key_file_content(token_uri: str) -> dict[str, str]:
    """What a key file of the service account says."""
    pem = private_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return {
        "type": "service_account",
        "project_id": "secciones-local",
        "private_key_id": "throw-away",
        "private_key": pem.decode(),
        "client_email": SERVICE_ACCOUNT,
        "token_uri": token_uri,
    }


def give_tokens(server: ScriptedServer, path: str = TOKEN_PATH) -> None:
    """Make the server's token endpoint answer as Google's."""
    server.on(path, Answer(body={"access_token": "ya29.token", "expires_in": 3599, "token_type": "Bearer"}))


def delegated(server: ScriptedServer, scope: str) -> Callable[[], Credentials]:
    """Makes credentials that get their token from the server, by the real exchange."""
    signer = RSASigner(private_key())
    return lambda: service_account.Credentials(
        signer, SERVICE_ACCOUNT, server.url + TOKEN_PATH, scopes=[scope], subject=ADMINISTRATOR
    )


def error(status: int, reason: str, message: str = "No.") -> Answer:
    """Google's older error body."""
    detail = {"domain": "global", "reason": reason, "message": message}
    return Answer(status, {"error": {"code": status, "message": message, "errors": [detail]}})


def status_error(status: int, name: str, message: str = "No.") -> Answer:
    """Google's newer error body."""
    return Answer(status, {"error": {"code": status, "message": message, "status": name}})


def claims_of(token: str) -> dict[str, Any]:
    """What a JWT says, unverified."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return claims
