"""The stand-in's cloud side by real clients: tokens of service accounts, IAM Credentials, Cloud KMS."""

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
import requests
from google.auth import iam
from google.auth import jwt as google_jwt
from google.auth.transport.requests import AuthorizedSession, Request
from google.oauth2 import id_token, service_account
from googleapiclient.errors import HttpError

from infra.local.google.kms import crc32c
from tests.support.google_stand_in import (
    CLOUD,
    DELEGATED_ADMIN,
    DOMAIN,
    KMS_KEY,
    OUTSIDER,
    READ_USERS,
    SUSPENDED,
    TASKS,
    USERS,
    WORKER,
    StandIn,
    client,
    credentials,
    directory,
    running_stand_in,
)

AUDIENCE = "https://worker.example.com/"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ACCOUNT_NAME = f"projects/-/serviceAccounts/{TASKS}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    with running_stand_in(tmp_path_factory.mktemp("google")) as running:
        yield running


@pytest.fixture
def google(server: StandIn) -> StandIn:
    server.clear()
    return server


@pytest.fixture
def request_() -> Iterator[Request]:
    with requests.Session() as session:
        yield Request(session)


@pytest.fixture
def accounts(google: StandIn) -> Iterator[Any]:
    with client(google, "iamcredentials", "v1", credentials(google, None, CLOUD, account=TASKS)) as service:
        yield service.projects().serviceAccounts()


@pytest.fixture
def keys(google: StandIn) -> Iterator[Any]:
    with client(google, "cloudkms", "v1", credentials(google, None, CLOUD)) as service:
        yield service.projects().locations().keyRings().cryptoKeys()


def key_of(google: StandIn) -> dict[str, str]:
    content: dict[str, str] = json.loads(google.key_file().read_text())
    return content


def assertion(google: StandIn, pem: str | None = None, kid: str | None = None, **claims: Any) -> str:
    """A worker's assertion as google-auth would make it, with changes (None leaves a claim out)."""
    key, now = key_of(google), int(time.time())
    usual = {
        "iss": WORKER,
        "aud": "https://oauth2.googleapis.com/token",
        "scope": CLOUD,
        "iat": now,
        "exp": now + 3600,
    }
    kept = {name: value for name, value in (usual | claims).items() if value is not None}
    return jwt.encode(kept, pem or key["private_key"], "RS256", {"kid": kid or key["private_key_id"]})


def grant(google: StandIn, assertion: str) -> requests.Response:
    form = {"grant_type": JWT_BEARER, "assertion": assertion}
    return requests.post(f"{google.url}/token", data=form, timeout=10)


def test_the_key_file_is_google_s_and_readable_by_its_owner_alone(google: StandIn) -> None:
    key = key_of(google)

    assert key["type"] == "service_account"
    assert key["client_email"] == WORKER
    assert key["token_uri"] == f"{google.url}/token"
    assert google.key_file().stat().st_mode & 0o777 == 0o600


def test_a_restart_keeps_the_key_and_brings_its_address_up_to_date(google: StandIn) -> None:
    before = key_of(google)
    google.key_file().write_text(json.dumps(before | {"token_uri": "http://localhost:1/token"}))

    google.restart()

    assert key_of(google) == before
    assert grant(google, assertion(google)).status_code == 200


def test_an_assertion_is_exchanged_for_a_token_of_an_hour(google: StandIn) -> None:
    answer = grant(google, assertion(google))

    assert answer.status_code == 200
    assert answer.json()["token_type"] == "Bearer"
    assert 3500 < answer.json()["expires_in"] <= 3600
    assert answer.headers["Cache-Control"].startswith("no-cache")


def test_the_audience_may_be_the_stand_in_s_own_token_endpoint(google: StandIn) -> None:
    assert grant(google, assertion(google, aud=f"{google.url}/token")).status_code == 200


NOW = int(time.time())


@pytest.mark.parametrize(
    ("claims", "status", "error"),
    [
        ({"aud": "https://example.com/token"}, 400, "invalid_grant"),
        ({"aud": None}, 400, "invalid_grant"),
        ({"iss": "nadie@secciones-local.iam.gserviceaccount.com"}, 400, "invalid_grant"),
        ({"exp": NOW + 7201}, 400, "invalid_grant"),
        ({"iat": NOW - 7200, "exp": NOW - 3700}, 400, "invalid_grant"),
        ({"iat": NOW + 900, "exp": NOW + 1000}, 400, "invalid_grant"),
        ({"iat": None}, 400, "invalid_grant"),
        ({"scope": None}, 400, "invalid_scope"),
        ({"scope": "todo"}, 400, "invalid_scope"),
        ({"sub": DELEGATED_ADMIN}, 401, "unauthorized_client"),
        ({"sub": DELEGATED_ADMIN, "scope": f"{USERS} {CLOUD}"}, 401, "unauthorized_client"),
        ({"sub": f"nadie@{DOMAIN}", "scope": USERS}, 400, "invalid_grant"),
        ({"sub": OUTSIDER, "scope": USERS}, 400, "invalid_grant"),
        ({"sub": SUSPENDED, "scope": USERS}, 400, "invalid_grant"),
    ],
)
def test_an_assertion_that_is_wrong_gets_google_s_error(
    google: StandIn, claims: dict[str, Any], status: int, error: str
) -> None:
    answer = grant(google, assertion(google, **claims))

    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"]


def test_an_assertion_that_another_key_signed_is_refused(google: StandIn) -> None:
    foreign = json.loads(google.key_file(TASKS).read_text())

    for forged in (
        assertion(google, pem=foreign["private_key"]),
        assertion(google, pem=foreign["private_key"], kid=foreign["private_key_id"]),
        assertion(google)[:-8] + "AAAAAAAA",
        "no.es.jwt",
    ):
        assert grant(google, forged).json()["error"] == "invalid_grant"


def test_a_delegated_token_carries_no_more_than_its_scopes(google: StandIn) -> None:
    with directory(google, DELEGATED_ADMIN, READ_USERS) as service, pytest.raises(HttpError) as raised:
        service.users().patch(userKey=f"1000001@{DOMAIN}", body={"suspended": True}).execute()

    assert raised.value.status_code == 403


def test_access_tokens_survive_a_kill(google: StandIn) -> None:
    token = grant(google, assertion(google)).json()["access_token"]

    google.restart()

    answer = requests.post(
        f"{google.url}/v1/{ACCOUNT_NAME}:generateIdToken",
        json={"audience": AUDIENCE},
        headers={"Authorization": f"Bearer {token}"},
        timeout=10,
    )
    assert answer.status_code == 200


def test_an_id_token_for_a_service_account_is_verified_by_google_auth(
    google: StandIn, accounts: Any, request_: Request
) -> None:
    body = {"audience": AUDIENCE, "includeEmail": True}
    token = accounts.generateIdToken(name=ACCOUNT_NAME, body=body).execute()["token"]

    claims = id_token.verify_token(token, request_, AUDIENCE, f"{google.url}/oauth2/v3/certs")

    assert claims["iss"] == google.url
    assert (claims["email"], claims["email_verified"]) == (TASKS, True)
    with pytest.raises(jwt.InvalidAudienceError):
        id_token.verify_token(token, request_, "https://otro.example.com/", f"{google.url}/oauth2/v3/certs")


def test_an_id_token_names_no_address_unless_asked_to(accounts: Any) -> None:
    token = accounts.generateIdToken(name=ACCOUNT_NAME, body={"audience": AUDIENCE}).execute()["token"]

    assert "email" not in google_jwt.decode(token, verify=False)


def test_a_key_file_makes_its_own_id_tokens(google: StandIn, request_: Request) -> None:
    path = str(google.key_file(TASKS))
    made = service_account.IDTokenCredentials.from_service_account_file(path, target_audience=AUDIENCE)
    made.refresh(request_)

    claims = id_token.verify_token(made.token, request_, AUDIENCE, f"{google.url}/oauth2/v3/certs")

    assert claims["email"] == TASKS


def test_what_iam_signs_is_taken_by_the_token_endpoint(google: StandIn, accounts: Any) -> None:
    claims = google_jwt.decode(assertion(google, iss=TASKS), verify=False)

    signed = accounts.signJwt(name=ACCOUNT_NAME, body={"payload": json.dumps(claims)}).execute()

    assert jwt.get_unverified_header(signed["signedJwt"])["kid"] == signed["keyId"]
    assert grant(google, signed["signedJwt"]).status_code == 200


def test_the_keyless_way_of_google_auth_works_end_to_end(
    google: StandIn, request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The library has no option for the address of IAM.
    monkeypatch.setattr(iam, "_IAM_SIGN_ENDPOINT", f"{google.url}/v1/projects/-/serviceAccounts/{{}}:signBlob")
    own = credentials(google, None, CLOUD, account=TASKS)
    keyless = service_account.Credentials(
        iam.Signer(request_, own, WORKER), WORKER, f"{google.url}/token", scopes=[USERS], subject=DELEGATED_ADMIN
    )

    with client(google, "admin", "directory_v1", keyless) as service:
        keyless.refresh(request_)
        assert service.users().get(userKey=DELEGATED_ADMIN).execute()["isDelegatedAdmin"] is True


def test_iam_answers_for_no_account_that_it_does_not_know(accounts: Any) -> None:
    name = "projects/-/serviceAccounts/nadie@otro.iam.gserviceaccount.com"
    with pytest.raises(HttpError) as raised:
        accounts.generateIdToken(name=name, body={"audience": AUDIENCE}).execute()

    assert raised.value.status_code == 403
    assert json.loads(raised.value.content)["error"]["status"] == "PERMISSION_DENIED"


def test_iam_needs_the_cloud_s_own_scope(google: StandIn) -> None:
    with (
        client(google, "iamcredentials", "v1", credentials(google, None, USERS)) as service,
        pytest.raises(HttpError) as raised,
    ):
        service.projects().serviceAccounts().generateIdToken(name=ACCOUNT_NAME, body={"audience": AUDIENCE}).execute()

    assert raised.value.status_code == 403


def text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def test_what_was_encrypted_is_decrypted_with_the_same_context(keys: Any) -> None:
    body = {"plaintext": text(b"semilla"), "additionalAuthenticatedData": text(b"lote 1")}
    sealed = keys.encrypt(name=KMS_KEY, body=body).execute()
    body = {"ciphertext": sealed["ciphertext"], "additionalAuthenticatedData": text(b"lote 1")}

    opened = keys.decrypt(name=KMS_KEY, body=body).execute()

    assert base64.b64decode(opened["plaintext"]) == b"semilla"
    assert b"semilla" not in base64.b64decode(sealed["ciphertext"])
    assert sealed["name"] == f"{KMS_KEY}/cryptoKeyVersions/1"


def test_the_same_secret_is_never_encrypted_alike(keys: Any) -> None:
    body = {"plaintext": text(b"semilla")}

    assert len({keys.encrypt(name=KMS_KEY, body=body).execute()["ciphertext"] for _ in range(3)}) == 3


@pytest.mark.parametrize("context", [b"lote 2", b""])
def test_another_context_does_not_open_it(keys: Any, context: bytes) -> None:
    body = {"plaintext": text(b"semilla"), "additionalAuthenticatedData": text(b"lote 1")}
    sealed = keys.encrypt(name=KMS_KEY, body=body).execute()["ciphertext"]

    with pytest.raises(HttpError) as raised:
        keys.decrypt(name=KMS_KEY, body={"ciphertext": sealed, "additionalAuthenticatedData": text(context)}).execute()

    assert raised.value.status_code == 400
    assert json.loads(raised.value.content)["error"] == {
        "code": 400,
        "message": "Decryption failed: verify that 'name' refers to the correct CryptoKey.",
        "status": "INVALID_ARGUMENT",
    }


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("encrypt", {}),
        ("encrypt", {"plaintext": text(b"x" * 65537)}),
        ("encrypt", {"plaintext": "no es base64"}),
        ("encrypt", {"plaintext": text(b"x"), "plaintextCrc32c": "1"}),
        ("encrypt", {"plaintext": text(b"x"), "texto": "x"}),
        ("decrypt", {}),
        ("decrypt", {"ciphertext": text(b"inventado")}),
        ("decrypt", {"ciphertext": text(b"\x0a\x24\x01" + b"x" * 40)}),
    ],
)
def test_a_request_that_is_wrong_is_an_invalid_argument(keys: Any, method: str, body: dict[str, str]) -> None:
    with pytest.raises(HttpError) as raised:
        getattr(keys, method)(name=KMS_KEY, body=body).execute()

    assert raised.value.status_code == 400
    assert json.loads(raised.value.content)["error"]["status"] == "INVALID_ARGUMENT"


def test_checksums_are_honoured(keys: Any) -> None:
    body = {
        "plaintext": text(b"semilla"),
        "plaintextCrc32c": str(crc32c(b"semilla")),
        "additionalAuthenticatedData": text(b"lote 1"),
    }
    sealed = keys.encrypt(name=KMS_KEY, body=body).execute()

    assert sealed["verifiedPlaintextCrc32c"] is True
    assert sealed["verifiedAdditionalAuthenticatedDataCrc32c"] is False
    assert sealed["ciphertextCrc32c"] == str(crc32c(base64.b64decode(sealed["ciphertext"])))


def test_the_checksum_is_castagnoli_s() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA


def test_a_key_that_does_not_exist_is_not_found(keys: Any) -> None:
    with pytest.raises(HttpError) as raised:
        keys.encrypt(name=f"{KMS_KEY}-otra", body={"plaintext": text(b"x")}).execute()

    assert raised.value.status_code == 404
    assert json.loads(raised.value.content)["error"]["status"] == "NOT_FOUND"


def test_a_seal_opens_after_a_kill(google: StandIn, keys: Any) -> None:
    sealed = keys.encrypt(name=KMS_KEY, body={"plaintext": text(b"semilla")}).execute()["ciphertext"]

    google.restart()

    with client(google, "cloudkms", "v1", credentials(google, None, CLOUD)) as service:
        again = service.projects().locations().keyRings().cryptoKeys()
        opened = again.decrypt(name=KMS_KEY, body={"ciphertext": sealed}).execute()
    assert opened["plaintext"] == text(b"semilla")


def test_kms_takes_a_self_signed_jwt_as_bearer(google: StandIn, request_: Request) -> None:
    path = str(google.key_file())
    for made in (
        google_jwt.Credentials.from_service_account_file(path, audience="https://cloudkms.googleapis.com/"),
        google_jwt.Credentials.from_service_account_file(path, audience=None, additional_claims={"scope": CLOUD}),
    ):
        with AuthorizedSession(made, auth_request=request_) as session:
            answer = session.post(f"{google.url}/v1/{KMS_KEY}:encrypt", json={"plaintext": text(b"x")}, timeout=10)
        assert answer.status_code == 200


def test_kms_takes_no_jwt_for_another_api_nor_a_forged_one(google: StandIn) -> None:
    foreign = json.loads(google.key_file(TASKS).read_text())
    claims = {"sub": WORKER, "scope": None}
    for token in (
        assertion(google, aud="https://example.com/", **claims),
        assertion(google, aud="https://cloudkms.googleapis.com/", pem=foreign["private_key"], **claims),
        assertion(google, aud=None, **claims),
        assertion(google, aud="https://cloudkms.googleapis.com/", sub=DELEGATED_ADMIN, scope=None),
    ):
        answer = requests.post(
            f"{google.url}/v1/{KMS_KEY}:encrypt",
            json={"plaintext": text(b"x")},
            headers={"Authorization": f"Bearer {token}"},
            timeout=10,
        )
        assert answer.status_code == 401
        assert answer.json()["error"]["status"] == "UNAUTHENTICATED"
