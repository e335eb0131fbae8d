"""Puts the parts together: the one place that knows all of them."""

from __future__ import annotations

from flask import Flask, Response, request

from infra.local.google.accounts import Accounts
from infra.local.google.answers import Call
from infra.local.google.batch import answer_batch
from infra.local.google.config import Config
from infra.local.google.control import Control
from infra.local.google.credentials import AccessTokens
from infra.local.google.directory import Directory
from infra.local.google.faults import Faults
from infra.local.google.gateway import Gateway, call_of
from infra.local.google.gmail import Gmail
from infra.local.google.iam import IamCredentials
from infra.local.google.keys import ISSUER, signing_key
from infra.local.google.kms import Kms
from infra.local.google.mail_store import MailStore
from infra.local.google.mailbox import Mailbox
from infra.local.google.oidc import Oidc
from infra.local.google.quota import Quota
from infra.local.google.service_accounts import ServiceAccounts
from infra.local.google.signin import SignIn
from infra.local.google.state import State
from infra.local.google.storage import Storage
from infra.local.google.tokens import TokenEndpoint

API_PREFIXES = (
    *("/admin/directory/v1", "/gmail/v1", "/upload/gmail/v1", "/v1/projects"),
    *("/storage/v1", "/upload/storage/v1"),
)
VERBS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
LARGEST_REQUEST = 64 * 1024 * 1024
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-src 'self'; "
    "base-uri 'none'; frame-ancestors 'self'"
)


def create_app(config: Config) -> Flask:
    """The stand-in, its state opened and filled; safe to fork afterwards."""
    state = State(config.state)
    accounts = Accounts(state)
    accounts.load(config.sample)
    service_accounts = ServiceAccounts(state, config)
    service_accounts.prepare_key_files()
    issuer_key = signing_key(state, ISSUER)
    tokens = AccessTokens(state)
    faults, quota = Faults(config.latency), Quota(config.quota_per_minute)
    store = MailStore(state, accounts)
    directory = Directory(state, accounts, config.domain)

    gateway = Gateway(config.public_url, tokens, service_accounts, faults, quota)
    gateway.serve(directory.api())
    gateway.serve(Gmail(store, accounts).api())
    gateway.serve(Kms(state, config.kms_keys).api())
    gateway.serve(Storage(state, config.buckets).api())
    gateway.serve(IamCredentials(service_accounts, tokens, config.public_url, issuer_key).api())

    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_REQUEST
    app.config["MAX_FORM_MEMORY_SIZE"] = 1024 * 1024
    app.json.sort_keys = False  # type: ignore[attr-defined]
    _register_apis(app, gateway)
    endpoint = TokenEndpoint(config, state, accounts, service_accounts, tokens, issuer_key)
    Oidc(config, accounts, tokens, endpoint, issuer_key, faults).register(app)
    SignIn(config, state, accounts, faults).register(app)
    Mailbox(store, accounts).register(app)
    Control(accounts, directory, store, faults, quota).register(app)
    app.add_url_rule("/healthz", "healthz", lambda: "ok")
    app.after_request(_with_page_headers)
    state.close()
    return app


def _register_apis(app: Flask, gateway: Gateway) -> None:
    # What the rest of the path means is the gateway's to say.
    def answer(**_: str) -> Response:
        return gateway.answer(_call()).as_response()

    def batch(**_: str) -> Response:
        status, headers, body = answer_batch(gateway, _call())
        return Response(body, status, headers)

    for prefix in API_PREFIXES:
        app.add_url_rule(f"{prefix}/<path:rest>", f"api {prefix}", answer, methods=VERBS)
    for path in ("/batch", "/batch/<path:rest>"):
        app.add_url_rule(path, f"api {path}", batch, methods=["POST"])


def _call() -> Call:
    query = request.query_string.decode("ascii", "replace")
    return call_of(request.method, request.path, query, dict(request.headers), request.get_data())


def _with_page_headers(response: Response) -> Response:
    if response.mimetype == "text/html":
        response.headers.setdefault("Content-Security-Policy", PAGE_POLICY)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "no-referrer")
    return response
