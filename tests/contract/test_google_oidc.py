"""What IdentityProvider and CallerVerifier promise, of the adapters for OpenID Connect as Google speaks it."""

import base64
import hashlib
import hmac
import json
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from secciones.adapters import google_oidc
from secciones.adapters.google_oidc import GoogleIdentityProvider, OidcCallerVerifier
from secciones.domain.errors import CallerRefused, SignInFailed, SignInUnavailable
from secciones.ports.sign_in import Identity, SignInAttempt
from tests.support.google_edge import private_key
from tests.support.scripted_http import Answer, HangUp, Reply, ScriptedServer, Silence, scripted_server

CLIENT_ID = "secciones-local.apps.googleusercontent.com"
CLIENT_SECRET = "the client's secret"
REDIRECT = "http://localhost:8080/secciones/oauth2/callback"
DOMAIN = "clases.edu.sv"
ATTEMPT = SignInAttempt(state="s" * 43, nonce="n" * 43, code_verifier="v" * 43)
CODE = "4/0code"
ADDRESS = "ana.perez.lopez@clases.edu.sv"

CONFIGURATION = "/.well-known/openid-configuration"
KEYS = "/oauth2/v3/certs"
TOKEN = "/token"
WORKER = "https://worker.example.org/tarea"
CALLER = "tasks@secciones-local.iam.gserviceaccount.com"


def public_jwk(name: str) -> dict[str, Any]:
    jwk: dict[str, Any] = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(private_key(name).public_key()))
    return {"kty": jwk["kty"], "n": jwk["n"], "e": jwk["e"], "kid": name, "alg": "RS256", "use": "sig"}


@dataclass
class Provider:
    """An OpenID provider at the HTTP edge, with both adapters in front of it, on a clock that only a test moves."""

    server: ScriptedServer
    now: float = 0.0

    def __post_init__(self) -> None:
        url = self.server.url
        self.configuration = {
            "issuer": url,
            "authorization_endpoint": f"{url}/o/oauth2/v2/auth",
            "token_endpoint": url + TOKEN,
            "jwks_uri": url + KEYS,
        }
        self.server.on(CONFIGURATION, Answer(body=self.configuration))
        self.publish("first")
        self.server.on(TOKEN, lambda _: self.answer_with(self.token()))
        self.identity_provider = GoogleIdentityProvider(
            url, CLIENT_ID, CLIENT_SECRET, REDIRECT, DOMAIN, monotonic=lambda: self.now
        )
        self.caller_verifier = OidcCallerVerifier(url, monotonic=lambda: self.now)

    def publish(self, *names: str) -> None:
        self.server.on(KEYS, Answer(body={"keys": [public_jwk(name) for name in names]}))

    def answer_with(self, token: str) -> Answer:
        return Answer(body={"access_token": "x", "id_token": token, "token_type": "Bearer", "expires_in": 3599})

    def claims(self, **changed: Any) -> dict[str, Any]:
        now = int(time.time())
        claims = {
            "iss": self.server.url,
            "aud": CLIENT_ID,
            "sub": "117000000000000000001",
            "email": "Ana.Perez.Lopez@clases.edu.sv",
            "email_verified": True,
            "hd": DOMAIN,
            "name": "Ana Pérez López",
            "nonce": ATTEMPT.nonce,
            "iat": now,
            "exp": now + 3600,
        } | changed
        return {name: value for name, value in claims.items() if value is not None}

    def callers_claims(self, **changed: Any) -> dict[str, Any]:
        person = {"nonce": None, "hd": None, "name": None}
        return self.claims(**({"aud": WORKER, "email": CALLER, **person} | changed))

    def token(self, key: str = "first", /, **changed: Any) -> str:
        return signed(self.claims(**changed), key)

    def callers_token(self, key: str = "first", /, **changed: Any) -> str:
        return signed(self.callers_claims(**changed), key)

    def identify_with(self, token: str) -> Identity:
        self.server.on(TOKEN, self.answer_with(token))
        return self.identity_provider.identify(CODE, ATTEMPT)

    def verify(self, token: str) -> None:
        self.caller_verifier.verify(token, WORKER, CALLER)


@pytest.fixture(scope="module")
def module_server() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.fixture
def provider(module_server: ScriptedServer) -> Provider:
    module_server.asked.clear()
    return Provider(module_server)


def signed(claims: dict[str, Any], key: str) -> str:
    return jwt.encode(claims, private_key(key), algorithm="RS256", headers={"kid": key})


def unsigned(claims: dict[str, Any], header: dict[str, Any], signature: bytes = b"") -> str:
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


# Where the browser goes


def test_the_browser_is_sent_to_the_provider_with_all_that_the_attempt_needs(provider: Provider) -> None:
    url = urlsplit(provider.identity_provider.authorization_url(ATTEMPT))

    challenge = base64.urlsafe_b64encode(hashlib.sha256(ATTEMPT.code_verifier.encode()).digest()).decode().rstrip("=")
    assert url._replace(query="").geturl() == provider.configuration["authorization_endpoint"]
    assert {name: values[0] for name, values in parse_qs(url.query, strict_parsing=True).items()} == {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT,
        "scope": "openid email profile",
        "state": ATTEMPT.state,
        "nonce": ATTEMPT.nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "hd": DOMAIN,
        "prompt": "select_account",
    }


def test_the_browser_learns_neither_the_verifier_nor_the_secret(provider: Provider) -> None:
    url = provider.identity_provider.authorization_url(ATTEMPT)

    assert ATTEMPT.code_verifier not in url
    assert CLIENT_SECRET not in url


def test_the_configuration_is_asked_for_once_an_hour(provider: Provider) -> None:
    for provider.now in (0, 1800, 3599):
        provider.identity_provider.authorization_url(ATTEMPT)
    assert len(provider.server.asked_for(CONFIGURATION)) == 1

    provider.now = 3601
    provider.identity_provider.authorization_url(ATTEMPT)

    assert len(provider.server.asked_for(CONFIGURATION)) == 2


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Answer(500), id="error"),
        pytest.param(Answer(302), id="redirection"),
        pytest.param(Answer(200, b"<html>", "text/html"), id="no JSON"),
        pytest.param(Answer(200, []), id="JSON of another shape"),
        pytest.param(Answer(200, {"issuer": "https://attacker.example"}), id="another issuer's"),
        pytest.param(HangUp(), id="connection closed"),
    ],
)
def test_without_a_configuration_sign_in_is_unavailable_until_there_is_one(provider: Provider, reply: Reply) -> None:
    provider.server.on(CONFIGURATION, reply, Answer(body=provider.configuration))

    with pytest.raises(SignInUnavailable):
        provider.identity_provider.authorization_url(ATTEMPT)

    assert provider.identity_provider.authorization_url(ATTEMPT).startswith(provider.server.url)


@pytest.mark.parametrize("missing", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
def test_an_incomplete_configuration_is_none(provider: Provider, missing: str) -> None:
    incomplete = {name: value for name, value in provider.configuration.items() if name != missing}
    provider.server.on(CONFIGURATION, Answer(body=incomplete))

    with pytest.raises(SignInUnavailable, match=missing):
        provider.identity_provider.authorization_url(ATTEMPT)


def test_a_provider_without_answer_is_given_up(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google_oidc, "TIMEOUT_SECONDS", 0.1)
    provider.server.on(CONFIGURATION, Silence())

    with pytest.raises(SignInUnavailable):
        provider.identity_provider.authorization_url(ATTEMPT)


# The code and what it stands for


def test_a_code_becomes_the_person_whom_the_provider_vouches_for(provider: Provider) -> None:
    assert provider.identity_provider.identify(CODE, ATTEMPT) == Identity(
        subject="117000000000000000001",
        address=ADDRESS,
        name="Ana Pérez López",
        hosted_domain=DOMAIN,
        address_is_verified=True,
    )


def test_the_code_is_exchanged_with_verifier_and_secret_in_the_body_alone(provider: Provider) -> None:
    provider.identity_provider.identify(CODE, ATTEMPT)

    (asked,) = provider.server.asked_for(TOKEN)
    assert (asked.method, asked.query) == ("POST", {})
    assert asked.form == {
        "grant_type": "authorization_code",
        "code": CODE,
        "redirect_uri": REDIRECT,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "code_verifier": ATTEMPT.code_verifier,
    }


@pytest.mark.parametrize("domain", [None, "otra.edu.sv"])
def test_a_person_of_no_or_another_organisation_is_told_as_such(provider: Provider, domain: str | None) -> None:
    assert provider.identify_with(provider.token(hd=domain)).hosted_domain == (domain or "")


@pytest.mark.parametrize("verified", [False, None, "true", 1])
def test_an_address_is_verified_only_when_the_provider_says_so_plainly(provider: Provider, verified: object) -> None:
    assert not provider.identify_with(provider.token(email_verified=verified)).address_is_verified


def test_a_person_without_a_name_has_an_empty_one(provider: Provider) -> None:
    assert provider.identify_with(provider.token(name=None)).name == ""


def test_a_name_is_one_line_of_printable_text_whatever_the_account_says(provider: Provider) -> None:
    name = provider.identify_with(provider.token(name="  Ana\u202e\n Rivas\x00 " + "x" * 5000)).name
    assert name.startswith("Ana Rivas xxx")
    assert len(name) <= 200


def test_a_code_that_the_provider_does_not_take_is_a_failed_sign_in(provider: Provider) -> None:
    provider.server.on(TOKEN, Answer(400, {"error": "invalid_grant", "error_description": f"Bad code of {ADDRESS}"}))

    with pytest.raises(SignInFailed) as raised:
        provider.identity_provider.identify(CODE, ATTEMPT)

    told = "".join(traceback.format_exception(raised.value))
    assert ADDRESS not in told


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        pytest.param(Answer(401, {"error": "invalid_client"}), "401", id="wrong secret"),
        pytest.param(Answer(400, {"error": "redirect_uri_mismatch"}), "redirect_uri_mismatch", id="wrong callback"),
        pytest.param(Answer(400, {"error": "<b>"}), "400$", id="an error that is no word"),
        pytest.param(Answer(503, b"<html>", "text/html"), "503", id="overload"),
        pytest.param(Answer(429), "429", id="too many"),
        pytest.param(Answer(200, {"access_token": "x"}), "no id_token", id="no ID token"),
        pytest.param(Answer(200, b"{"), "unreadable", id="half an answer"),
        pytest.param(Answer(307), "307", id="redirection"),
        pytest.param(HangUp(), "does not answer", id="connection closed"),
    ],
)
def test_a_provider_that_does_not_do_its_part_is_unavailable(provider: Provider, reply: Reply, told: str) -> None:
    provider.server.on(TOKEN, reply)

    with pytest.raises(SignInUnavailable, match=told):
        provider.identity_provider.identify(CODE, ATTEMPT)


WRONG_CLAIMS = [
    pytest.param({"iss": "https://attacker.example"}, id="another issuer"),
    pytest.param({"iss": "accounts.google.com"}, id="Google's short name, of an issuer that is not Google"),
    pytest.param({"iss": None}, id="no issuer"),
    pytest.param({"aud": "another-client.apps.googleusercontent.com"}, id="another audience"),
    pytest.param({"aud": [CLIENT_ID, "another"]}, id="several audiences"),
    pytest.param({"aud": ""}, id="empty audience"),
    pytest.param({"aud": None}, id="no audience"),
    pytest.param({"exp": int(time.time()) - 60}, id="expired"),
    pytest.param({"exp": None}, id="without expiry"),
    pytest.param({"exp": "tomorrow"}, id="an expiry that is no time"),
    pytest.param({"iat": int(time.time()) + 3600, "exp": int(time.time()) + 7200}, id="of the future"),
    pytest.param({"email": None}, id="no address"),
]


@pytest.mark.parametrize(
    "claims",
    [
        *WRONG_CLAIMS,
        pytest.param({"nonce": "m" * 43}, id="another attempt's nonce"),
        pytest.param({"nonce": None}, id="no nonce"),
        pytest.param({"nonce": ["n" * 43]}, id="a nonce that is no text"),
        pytest.param({"nonce": "ñ" * 43}, id="a nonce beyond ASCII"),
        pytest.param({"sub": None}, id="no subject"),
        pytest.param({"sub": ""}, id="empty subject"),
        pytest.param({"email": 7}, id="an address that is no text"),
    ],
)
def test_an_id_token_with_a_wrong_claim_is_no_proof(provider: Provider, claims: dict[str, Any]) -> None:
    with pytest.raises(SignInFailed):
        provider.identify_with(provider.token(**claims))


@pytest.mark.parametrize("claims", [{"exp": int(time.time()) - 5}, {"iat": int(time.time()) + 5}])
def test_clocks_may_differ_by_a_few_seconds(provider: Provider, claims: dict[str, Any]) -> None:
    now = int(time.time())
    near = {"exp": now - 5} if "exp" in claims else {"iat": now + 5}

    assert provider.identify_with(provider.token(**near)).address == ADDRESS


# Signatures, the same for both


def forged_tokens(claims: dict[str, Any]) -> dict[str, str]:
    """Tokens that say the right thing and are not the issuer's."""
    public_pem = private_key("first").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    good = signed(claims, "first")
    header, payload, signature = good.split(".")
    longer = base64.urlsafe_b64encode(json.dumps(claims | {"extra": 1}).encode()).decode().rstrip("=")
    elliptic = ec.generate_private_key(ec.SECP256R1())
    return {
        "another key": jwt.encode(claims, private_key("attacker"), algorithm="RS256", headers={"kid": "first"}),
        "unknown key": jwt.encode(claims, private_key("attacker"), algorithm="RS256", headers={"kid": "attacker"}),
        "no key named": jwt.encode(claims, private_key("first"), algorithm="RS256"),
        "key named by a number": unsigned(claims, {"alg": "RS256", "kid": 1}, b"x"),
        "alg none": unsigned(claims, {"alg": "none", "kid": "first"}),
        "alg None": unsigned(claims, {"alg": None, "kid": "first"}),
        "no alg": unsigned(claims, {"kid": "first"}),
        "alg list": unsigned(claims, {"alg": ["RS256"], "kid": "first"}, b"x"),
        "HS256 with the public key": hs256(claims, public_pem),
        "HS256 with nothing": hs256(claims, b""),
        "ES256": jwt.encode(claims, elliptic, algorithm="ES256", headers={"kid": "first"}),
        "RS384": jwt.encode(claims, private_key("first"), algorithm="RS384", headers={"kid": "first"}),
        "changed claims": f"{header}.{longer}.{signature}",
        "cut signature": f"{header}.{payload}.{signature[:-8]}",
        "no signature": f"{header}.{payload}.",
        "two parts": f"{header}.{payload}",
        "four parts": f"{good}.{signature}",
        "empty": "",
        "claims that are a list": ".".join([header, base64.urlsafe_b64encode(b"[]").decode(), signature]),
        "not base64": f"{header}.{payload}.ñ",
    }


def hs256(claims: dict[str, Any], secret: bytes) -> str:
    """By hand: the library rightly refuses to make such a token."""
    signed = unsigned(claims, {"alg": "HS256", "typ": "JWT", "kid": "first"}).rstrip(".")
    digest = hmac.new(secret, signed.encode(), "sha256").digest()
    return f"{signed}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


FORGERIES = sorted(forged_tokens({}))


@pytest.mark.parametrize("forgery", [forgery for forgery in FORGERIES if forgery != "empty"])
def test_a_forged_id_token_is_no_proof(provider: Provider, forgery: str) -> None:
    with pytest.raises(SignInFailed):
        provider.identify_with(forged_tokens(provider.claims())[forgery])


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_caller_with_a_forged_token_is_refused(provider: Provider, forgery: str) -> None:
    with pytest.raises(CallerRefused):
        provider.verify(forged_tokens(provider.callers_claims())[forgery])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    token=st.one_of(
        st.text(max_size=200),
        st.tuples(st.binary(max_size=60), st.binary(max_size=60), st.binary(max_size=60)).map(
            lambda parts: ".".join(base64.urlsafe_b64encode(part).decode() for part in parts)
        ),
    )
)
@example("a" * 10_000)
@example("." * 10_000)
@example("e30." * 2 + "a" * 10_000)
def test_whatever_a_caller_sends_instead_of_a_token_is_refused(provider: Provider, token: str) -> None:
    with pytest.raises(CallerRefused):
        provider.verify(token)


# Keys


def check_as_person(provider: Provider, key: str) -> None:
    provider.identify_with(provider.token(key))


def check_as_caller(provider: Provider, key: str) -> None:
    provider.verify(provider.callers_token(key))


BOTH = pytest.mark.parametrize(
    ("check", "refused"), [(check_as_person, SignInFailed), (check_as_caller, CallerRefused)], ids=["person", "caller"]
)
Check = Callable[[Provider, str], None]


@BOTH
def test_keys_are_asked_for_once_an_hour(provider: Provider, check: Check, refused: type[Exception]) -> None:
    for provider.now in (0, 1800, 3599):
        check(provider, "first")
    assert len(provider.server.asked_for(KEYS)) == 1

    provider.now = 3601
    check(provider, "first")

    assert len(provider.server.asked_for(KEYS)) == 2


@BOTH
def test_a_new_key_of_the_issuer_is_taken_up_at_once(
    provider: Provider, check: Check, refused: type[Exception]
) -> None:
    check(provider, "first")
    provider.now = 120
    provider.publish("first", "second")

    check(provider, "second")


@BOTH
def test_a_key_that_the_issuer_gave_up_holds_no_longer_than_an_hour(
    provider: Provider, check: Check, refused: type[Exception]
) -> None:
    check(provider, "first")
    provider.publish("second")
    provider.now = 3601

    with pytest.raises(refused):
        check(provider, "first")


@BOTH
def test_invented_keys_do_not_make_it_ask_more_than_once_a_minute(
    provider: Provider, check: Check, refused: type[Exception]
) -> None:
    check(provider, "first")
    provider.now = 120

    for _ in range(5):
        with pytest.raises(refused):
            check(provider, "attacker")

    assert len(provider.server.asked_for(KEYS)) == 2


@BOTH
@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Answer(500), id="error"),
        pytest.param(Answer(200, {"keys": None}), id="no keys"),
        pytest.param(
            Answer(200, {"keys": [{"kty": "RSA", "kid": "first", "n": "*", "e": "x"}]}), id="an unreadable key"
        ),
        pytest.param(HangUp(), id="connection closed"),
    ],
)
def test_without_the_issuers_keys_nobody_is_refused_and_nobody_let_in(
    provider: Provider, check: Check, refused: type[Exception], reply: Reply
) -> None:
    provider.server.on(KEYS, reply)

    with pytest.raises(SignInUnavailable):
        check(provider, "first")


@BOTH
def test_keys_of_other_kinds_are_passed_over(provider: Provider, check: Check, refused: type[Exception]) -> None:
    others: list[Any] = [{"kty": "oct", "kid": "oct", "k": "eA"}, {"kty": "EC", "kid": "ec"}, "nonsense"]
    provider.server.on(KEYS, Answer(body={"keys": [*others, public_jwk("first")]}))

    check(provider, "first")


# Callers


def test_the_queues_service_account_is_let_through(provider: Provider) -> None:
    provider.verify(provider.callers_token())


@pytest.mark.parametrize(
    "claims",
    [
        *(pytest.param(*wrong.values, id=wrong.id) for wrong in WRONG_CLAIMS),
        pytest.param({"aud": WORKER + "/"}, id="nearly the audience"),
        pytest.param({"aud": [WORKER]}, id="the audience in a list"),
        pytest.param({"email": "scheduler@secciones-local.iam.gserviceaccount.com"}, id="another service account"),
        pytest.param({"email": CALLER.upper()}, id="another spelling of the service account"),
        pytest.param({"email_verified": False}, id="address not verified"),
        pytest.param({"email_verified": "true"}, id="address verified in words"),
        pytest.param({"email_verified": None}, id="nothing said of the address"),
    ],
)
def test_a_caller_with_a_wrong_claim_is_refused(provider: Provider, claims: dict[str, Any]) -> None:
    with pytest.raises(CallerRefused):
        provider.verify(provider.callers_token(**claims))


# Cloud Run takes the signature off a token that it has checked.


def checked(token: str) -> str:
    return f"{token.rpartition('.')[0]}.SIGNATURE_REMOVED_BY_GOOGLE"


@pytest.fixture
def behind_cloud_run(provider: Provider) -> Provider:
    provider.caller_verifier = OidcCallerVerifier(provider.server.url, takes_checked=True)
    return provider


def test_a_token_without_signature_is_believed_only_where_cloud_run_has_checked_it(provider: Provider) -> None:
    token = checked(provider.callers_token())
    with pytest.raises(CallerRefused):
        provider.verify(token)
    provider.caller_verifier = OidcCallerVerifier(provider.server.url, takes_checked=True)
    provider.verify(token)
    provider.verify(provider.callers_token())


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"aud": "https://sweeper.example"},
        {"aud": [WORKER]},
        {"aud": None},
        {"email": "login@secciones-local.iam.gserviceaccount.com"},
        {"email": None},
        {"email_verified": False},
    ],
    ids=str,
)
def test_whom_a_wrong_grant_has_let_in_is_refused_all_the_same(
    behind_cloud_run: Provider, claims: dict[str, Any]
) -> None:
    with pytest.raises(CallerRefused):
        behind_cloud_run.verify(checked(behind_cloud_run.callers_token(**claims)))


@pytest.mark.parametrize("forgery", ["", "a.b", "a.b.c", "e30.e30.", "..SIGNATURE_REMOVED_BY_GOOGLE"])
def test_no_other_end_of_a_token_passes_for_cloud_runs(behind_cloud_run: Provider, forgery: str) -> None:
    with pytest.raises(CallerRefused):
        behind_cloud_run.verify(forgery)
    with pytest.raises(CallerRefused):
        behind_cloud_run.verify(behind_cloud_run.callers_token().rpartition(".")[0] + ".")
    with pytest.raises(CallerRefused):
        behind_cloud_run.verify(behind_cloud_run.callers_token("stolen"))


def test_an_empty_audience_lets_nobody_through(provider: Provider) -> None:
    with pytest.raises(CallerRefused):
        provider.caller_verifier.verify(provider.callers_token(), "", CALLER)


def test_a_persons_id_token_is_no_callers(provider: Provider) -> None:
    with pytest.raises(CallerRefused):
        provider.verify(provider.token())


def test_a_refusal_tells_nothing_of_the_token(provider: Provider) -> None:
    token = provider.callers_token(email=ADDRESS)

    with pytest.raises(CallerRefused) as raised:
        provider.verify(token)

    told = "".join(traceback.format_exception(raised.value))
    assert ADDRESS not in told
    assert token.split(".")[2] not in told


# Google's own issuer


@pytest.fixture
def google(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Provider:
    """The provider in the place of accounts.google.com: what is asked of Google is asked of it."""
    provider.configuration["issuer"] = "https://accounts.google.com"
    provider.server.on(CONFIGURATION, Answer(body=provider.configuration))
    request = google_oidc._request

    def redirected(method: str, url: str, **options: Any) -> Any:
        return request(method, url.replace("https://accounts.google.com", provider.server.url), **options)

    monkeypatch.setattr(google_oidc, "_request", redirected)
    provider.caller_verifier = OidcCallerVerifier("https://accounts.google.com")
    return provider


@pytest.mark.parametrize("issuer", ["https://accounts.google.com", "accounts.google.com"])
def test_google_may_name_itself_with_and_without_scheme(google: Provider, issuer: str) -> None:
    google.verify(google.callers_token(iss=issuer))


@pytest.mark.parametrize("issuer", ["http://accounts.google.com", "accounts.google.com.attacker.example", ""])
def test_nobody_else_may_name_himself_google(google: Provider, issuer: str) -> None:
    with pytest.raises(CallerRefused):
        google.verify(google.callers_token(iss=issuer))
