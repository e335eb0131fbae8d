"""Whose tokens the adapters get: the function's own, or, by domain-wide delegation, a person's."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import google.auth
import google.oauth2.credentials
import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256
from google.auth import iam
from google.auth.credentials import Credentials
from google.auth.exceptions import TransportError
from google.auth.transport.requests import Request

from secciones.adapters.google_credentials import CLOUD_PLATFORM, application_credentials, delegated_credentials
from tests.support.google_edge import (
    ADMINISTRATOR,
    SERVICE_ACCOUNT,
    TOKEN_PATH,
    claims_of,
    give_tokens,
    key_file_content,
    private_key,
    status_error,
)
from tests.support.scripted_http import Answer, Asked, ScriptedServer, scripted_server

SCOPE = "https://www.googleapis.com/auth/admin.directory.user"
SIGN_PATH = f"/sign/{SERVICE_ACCOUNT}"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        give_tokens(server)
        yield server


@pytest.fixture
def key_file(server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A key file that google.auth finds; it names the server's token endpoint."""
    path = tmp_path / "key.json"
    path.write_text(json.dumps(key_file_content(server.url + TOKEN_PATH)))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    return path


@pytest.fixture
def keyless(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> ScriptedServer:
    """The cloud: own credentials without a key, and IAM, which signs with the service account's."""
    own = google.oauth2.credentials.Credentials(token="the function's own")
    monkeypatch.setattr(google.auth, "default", lambda **_: (own, "secciones"))
    # The library has no option for the address of IAM.
    monkeypatch.setattr(iam, "_IAM_SIGN_ENDPOINT", server.url + "/sign/{}")
    server.on(SIGN_PATH, signed_by_iam)
    return server


def signed_by_iam(asked: Asked) -> Answer:
    signature = private_key().sign(base64.b64decode(asked.json["payload"]), padding.PKCS1v15(), SHA256())
    return Answer(body={"signedBlob": base64.b64encode(signature).decode()})


def is_signed_by_the_service_account(assertion: str) -> bool:
    signed, signature = assertion.rsplit(".", 1)
    private_key().public_key().verify(
        base64.urlsafe_b64decode(signature + "=="), signed.encode(), padding.PKCS1v15(), SHA256()
    )
    return True


def delegated(server: ScriptedServer) -> Credentials:
    return delegated_credentials(SERVICE_ACCOUNT, ADMINISTRATOR, [SCOPE], server.url + TOKEN_PATH)


@pytest.mark.usefixtures("key_file")
def test_with_a_key_file_the_function_is_the_keys_service_account(server: ScriptedServer) -> None:
    credentials = application_credentials([CLOUD_PLATFORM])

    credentials.refresh(Request())

    (asked,) = server.asked_for(TOKEN_PATH)
    claims = claims_of(asked.form["assertion"])
    assert (claims["iss"], claims["scope"]) == (SERVICE_ACCOUNT, CLOUD_PLATFORM)
    assert "sub" not in claims
    assert credentials.token == "ya29.token"


@pytest.mark.usefixtures("key_file")
def test_with_a_key_file_the_key_signs_for_the_person_at_the_token_endpoint_of_the_settings(
    server: ScriptedServer,
) -> None:
    give_tokens(server, "/another/token")

    delegated_credentials(SERVICE_ACCOUNT, ADMINISTRATOR, [SCOPE], server.url + "/another/token").refresh(Request())

    (asked,) = server.asked_for("/another/token")
    claims = claims_of(asked.form["assertion"])
    assert (claims["iss"], claims["sub"], claims["scope"]) == (SERVICE_ACCOUNT, ADMINISTRATOR, SCOPE)
    assert is_signed_by_the_service_account(asked.form["assertion"])
    assert server.asked_for(TOKEN_PATH) == []


def test_without_a_key_iam_signs_for_the_person(keyless: ScriptedServer) -> None:
    credentials = delegated(keyless)

    credentials.refresh(Request())

    (signing,) = keyless.asked_for(SIGN_PATH)
    (exchange,) = keyless.asked_for(TOKEN_PATH)
    claims = claims_of(exchange.form["assertion"])
    assert signing.headers["authorization"] == "Bearer the function's own"
    assert (claims["iss"], claims["sub"], claims["scope"]) == (SERVICE_ACCOUNT, ADMINISTRATOR, SCOPE)
    assert is_signed_by_the_service_account(exchange.form["assertion"])
    assert credentials.token == "ya29.token"


def test_a_token_lasts_about_an_hour_and_costs_one_signature(keyless: ScriptedServer) -> None:
    credentials = delegated(keyless)

    for _ in range(3):
        credentials.before_request(Request(), "GET", "https://admin.googleapis.com/", {})

    assert len(keyless.asked_for(SIGN_PATH)) == len(keyless.asked_for(TOKEN_PATH)) == 1
    assert credentials.valid


def test_a_service_account_that_may_not_be_signed_for_gives_no_token(keyless: ScriptedServer) -> None:
    keyless.on(SIGN_PATH, status_error(403, "PERMISSION_DENIED"))

    with pytest.raises(TransportError):
        delegated(keyless).refresh(Request())

    assert keyless.asked_for(TOKEN_PATH) == []
