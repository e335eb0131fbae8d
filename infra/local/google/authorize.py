"""The authorization request: what it must hold, the sign-in it starts, and the code it ends with."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from infra.local.google.accounts import Account
from infra.local.google.config import Config
from infra.local.google.identity import SIGN_IN_SCOPES
from infra.local.google.state import State

CODE_SECONDS = 60
FLOW_SECONDS = 1800
REQUIRED = ("client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "code_challenge")
PROMPTS = frozenset({"none", "consent", "select_account", "login"})
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")

Flow = dict[str, Any]  # the parameters of the request, and how far its sign-in has come


class BadRequest(Exception):
    """Shown to the person as a page, never sent to the redirect address, as Google does."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.error = error
        self.description = description


def check_request(config: Config, given: Mapping[str, str]) -> Flow:
    """The request's parameters; raises BadRequest.

    Stricter than Google: PKCE with S256, `state` and `nonce` are required.
    """
    if given.get("client_id") and given["client_id"] != config.client_id:
        raise BadRequest(401, "invalid_client", "The OAuth client was not found.")
    for name in REQUIRED:
        if not given.get(name):
            raise BadRequest(400, "invalid_request", f"Missing required parameter: {name}")
    if given["redirect_uri"] not in config.redirect_uris:
        raise BadRequest(
            400, "redirect_uri_mismatch", "The redirect URI in the request does not match the ones authorized."
        )
    if given["response_type"] != "code":
        raise BadRequest(400, "unsupported_response_type", "Invalid response_type: only code is served.")
    _check_scope(given["scope"])
    if given.get("code_challenge_method") != "S256" or not CHALLENGE.fullmatch(given["code_challenge"]):
        raise BadRequest(400, "invalid_request", "PKCE with code_challenge_method S256 is required.")
    if not set(given.get("prompt", "").split()) <= PROMPTS:
        raise BadRequest(400, "invalid_request", "Invalid parameter value for prompt.")
    names = (*REQUIRED, "hd", "prompt", "login_hint")
    return {name: given[name] for name in names if given.get(name)}


def _check_scope(scope: str) -> None:
    asked = set(scope.split())
    if not asked <= SIGN_IN_SCOPES:
        raise BadRequest(400, "invalid_scope", "Some requested scopes were invalid.")
    if "openid" not in asked:
        raise BadRequest(400, "invalid_scope", "The scope openid is required.")


def start_flow(state: State, flow: Flow) -> str:
    """Keep the flow; returns the secret that its pages carry."""
    secret = secrets.token_urlsafe(24)
    state.put("flow", secret, flow, FLOW_SECONDS)
    return secret


def granted_address(state: State, config: Config, flow: Flow, account: Account) -> str:
    """The redirect address with a code that works once, for a minute."""
    code = f"4/0A{secrets.token_urlsafe(48)}"
    grant = {name: flow[name] for name in ("client_id", "redirect_uri", "scope", "nonce", "code_challenge")}
    state.put("code", code, {**grant, "account": account.id}, CODE_SECONDS)
    answer = {"state": flow["state"], "code": code, "scope": flow["scope"], "authuser": "0"}
    if account.domain == config.domain:
        answer["hd"] = config.domain
    return with_query(flow["redirect_uri"], {**answer, "prompt": "none"})


def refused_address(flow: Flow, error: str) -> str:
    return with_query(flow["redirect_uri"], {"error": error, "state": flow["state"]})


def with_query(address: str, values: Mapping[str, str]) -> str:
    return f"{address}{'&' if '?' in address else '?'}{urlencode(values)}"
