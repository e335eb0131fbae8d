"""What Sealer and Opener promise, of the adapters for Cloud KMS."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secciones.adapters import kms
from secciones.adapters.access_token import CredentialsToken
from secciones.adapters.kms import SCOPE, KmsOpener, KmsSealer
from secciones.domain.errors import SealerUnavailable
from tests.support.google_edge import TOKEN_PATH, NoWait, claims_of, delegated, give_tokens, status_error
from tests.support.scripted_http import Answer, Asked, HangUp, Reply, ScriptedServer, Silence, scripted_server

KEY_NAME = "projects/secciones-local/locations/us-central1/keyRings/secciones/cryptoKeys/seeds"
ENCRYPT = f"/v1/{KEY_NAME}:encrypt"
DECRYPT = f"/v1/{KEY_NAME}:decrypt"
SEED = bytes(range(32))
BATCH = "abcdefghijklmnopqrstuvwxyz"
NONCE = b"\0" * 12


class Key:
    """A key as Cloud KMS keeps one: it encrypts and decrypts, bound to the additional data."""

    def __init__(self) -> None:
        self._cipher = AESGCM(b"k" * 32)

    def encrypt(self, asked: Asked) -> Reply:
        plaintext, context = self._given(asked, "plaintext")
        return self._answer("ciphertext", self._cipher.encrypt(NONCE, plaintext, context))

    def decrypt(self, asked: Asked) -> Reply:
        ciphertext, context = self._given(asked, "ciphertext")
        try:
            return self._answer("plaintext", self._cipher.decrypt(NONCE, ciphertext, context))
        except (InvalidTag, ValueError):
            return status_error(400, "INVALID_ARGUMENT", "Decryption failed: the ciphertext is invalid.")

    def _given(self, asked: Asked, field: str) -> tuple[bytes, bytes]:
        assert set(asked.json) == {field, "additionalAuthenticatedData"}
        return base64.b64decode(asked.json[field]), base64.b64decode(asked.json["additionalAuthenticatedData"])

    def _answer(self, field: str, data: bytes) -> Answer:
        return Answer(body={"name": f"{KEY_NAME}/cryptoKeyVersions/1", field: base64.b64encode(data).decode()})


@dataclass
class Edge:
    """Cloud KMS at the HTTP edge, with both adapters in front of it."""

    server: ScriptedServer
    no_wait: NoWait
    sealer: KmsSealer
    opener: KmsOpener


@pytest.fixture(scope="module")
def module_server() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.fixture
def edge(module_server: ScriptedServer) -> Edge:
    server, no_wait, key = module_server, NoWait(), Key()
    server.asked.clear()
    give_tokens(server)
    server.on(ENCRYPT, key.encrypt)
    server.on(DECRYPT, key.decrypt)
    token = CredentialsToken(delegated(server, SCOPE))
    return Edge(
        server,
        no_wait,
        KmsSealer(token, server.url, KEY_NAME, random=no_wait.random, sleep=no_wait.sleep),
        KmsOpener(token, server.url, KEY_NAME, random=no_wait.random, sleep=no_wait.sleep),
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
@given(secret=st.binary(max_size=64 * 1024), context=st.text(st.characters(codec="utf-8"), max_size=200))
def test_what_was_sealed_opens_in_the_same_context(edge: Edge, secret: bytes, context: str) -> None:
    assert edge.opener.open(edge.sealer.seal(secret, context), context) == secret


def test_a_seal_is_not_the_secret(edge: Edge) -> None:
    assert SEED not in edge.sealer.seal(SEED, BATCH)


@pytest.mark.parametrize("context", ["", "bbcdefghijklmnopqrstuvwxyz", BATCH + "x"])
def test_a_seal_does_not_open_in_another_context(edge: Edge, context: str) -> None:
    sealed = edge.sealer.seal(SEED, BATCH)

    with pytest.raises(ValueError, match="no seal for this context"):
        edge.opener.open(sealed, context)


@pytest.mark.parametrize("sealed", [b"", b"no seal", bytes(64)])
def test_what_is_no_seal_does_not_open(edge: Edge, sealed: bytes) -> None:
    with pytest.raises(ValueError, match="no seal for this context"):
        edge.opener.open(sealed, BATCH)


def test_the_context_goes_with_every_call_and_the_secret_in_no_address(edge: Edge) -> None:
    edge.opener.open(edge.sealer.seal(SEED, BATCH), BATCH)

    sealing, opening = [asked for asked in edge.server.asked if asked.path != TOKEN_PATH]
    assert (sealing.method, sealing.path, sealing.query) == ("POST", ENCRYPT, {})
    assert (opening.method, opening.path, opening.query) == ("POST", DECRYPT, {})
    assert sealing.json["additionalAuthenticatedData"] == base64.b64encode(BATCH.encode()).decode()


def test_calls_carry_a_token_of_the_narrowest_scope(edge: Edge) -> None:
    edge.sealer.seal(SEED, BATCH)

    (grant,) = edge.server.asked_for(TOKEN_PATH)
    (asked,) = edge.server.asked_for(ENCRYPT)
    assert claims_of(grant.form["assertion"])["scope"] == SCOPE
    assert asked.headers["authorization"] == "Bearer ya29.token"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param(status_error(503, "UNAVAILABLE"), "UNAVAILABLE", id="overload"),
        pytest.param(status_error(429, "RESOURCE_EXHAUSTED"), "RESOURCE_EXHAUSTED", id="quota"),
        pytest.param(Answer(502, b"<html>", "text/html"), "http502", id="502 without JSON"),
        pytest.param(HangUp(), "unreachable", id="connection closed"),
        pytest.param(Answer(200, b"{", "application/json"), "unreadableAnswer", id="half an answer"),
        pytest.param(Answer(200, {}), "unreadableAnswer", id="an answer without the result"),
        pytest.param(Answer(200, {"plaintext": "?", "ciphertext": "?"}), "unreadableAnswer", id="no base64"),
        pytest.param(Answer(200, {"plaintext": 7, "ciphertext": 7}), "unreadableAnswer", id="no text"),
        pytest.param(Answer(200, []), "unreadableAnswer", id="JSON of another shape"),
    ],
)
def test_a_passing_failure_is_tried_three_times(edge: Edge, reply: Reply, reason: str) -> None:
    edge.server.on(ENCRYPT, reply)
    edge.server.on(DECRYPT, reply)

    with pytest.raises(SealerUnavailable, match=reason):
        edge.sealer.seal(SEED, BATCH)
    with pytest.raises(SealerUnavailable, match=reason):
        edge.opener.open(b"sealed", BATCH)

    assert len(edge.no_wait.waits) == 4


def test_the_third_try_may_succeed(edge: Edge) -> None:
    edge.server.on(ENCRYPT, HangUp(), status_error(503, "UNAVAILABLE"), Key().encrypt)

    assert edge.opener.open(edge.sealer.seal(SEED, BATCH), BATCH) == SEED


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param(status_error(403, "PERMISSION_DENIED"), "PERMISSION_DENIED", id="no right to the key"),
        pytest.param(status_error(404, "NOT_FOUND"), "NOT_FOUND", id="no such key"),
        pytest.param(status_error(400, "FAILED_PRECONDITION"), "FAILED_PRECONDITION", id="key disabled"),
        pytest.param(status_error(401, "UNAUTHENTICATED"), "UNAUTHENTICATED", id="token not accepted"),
    ],
)
def test_a_fault_of_the_configuration_is_told_at_once(edge: Edge, reply: Reply, reason: str) -> None:
    edge.server.on(ENCRYPT, reply)
    edge.server.on(DECRYPT, reply)

    with pytest.raises(SealerUnavailable, match=reason):
        edge.sealer.seal(SEED, BATCH)
    with pytest.raises(SealerUnavailable, match=reason):
        edge.opener.open(b"sealed", BATCH)

    assert edge.no_wait.waits == []


def test_a_refused_seal_is_not_mistaken_for_a_bad_one(edge: Edge) -> None:
    edge.server.on(ENCRYPT, status_error(400, "INVALID_ARGUMENT"))

    with pytest.raises(SealerUnavailable, match="INVALID_ARGUMENT"):
        edge.sealer.seal(SEED, BATCH)


def test_a_connection_without_answer_is_given_up(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kms, "TIMEOUT_SECONDS", 0.1)
    edge.server.on(ENCRYPT, Silence())

    with pytest.raises(SealerUnavailable):
        edge.sealer.seal(SEED, BATCH)


def test_without_a_token_nothing_is_sealed(edge: Edge) -> None:
    edge.server.on(TOKEN_PATH, Answer(400, {"error": "invalid_grant"}))

    with pytest.raises(SealerUnavailable, match="no token"):
        edge.sealer.seal(SEED, BATCH)

    assert edge.server.asked_for(ENCRYPT) == []
