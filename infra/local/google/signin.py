"""The pages on which a person signs in: chooser, password, a new password where one is demanded.

Choosing an account always asks for its password, even when this browser has just signed in with
it: a test then needs no knowledge of earlier visits. The session serves /signin and prompt=none.
"""

from __future__ import annotations

import csv
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, redirect, render_template, request

from infra.local.google import passwords
from infra.local.google.accounts import Account, Accounts, now_text
from infra.local.google.answers import Answer
from infra.local.google.authorize import (
    BadRequest,
    Flow,
    check_request,
    granted_address,
    refused_address,
    start_flow,
)
from infra.local.google.config import Config
from infra.local.google.errors import ApiError
from infra.local.google.faults import Faults
from infra.local.google.state import State

COOKIE = "STAND_IN_SID"
SESSION_SECONDS = 14 * 86400
OWN_PAGE = "/signin"
EXPIRED = "page_expired"


@dataclass(frozen=True)
class SamplePerson:
    address: str
    name: str
    note: str


def sample_people(sample: Path) -> list[SamplePerson]:
    """Those of people.csv whom the chooser offers: the ones with a note."""
    path = sample / "people.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    return [SamplePerson(row["address"], row["name"], row["note"]) for row in rows if row["note"]]


class SignIn:
    def __init__(self, config: Config, state: State, accounts: Accounts, faults: Faults) -> None:
        self._config = config
        self._state = state
        self._accounts = accounts
        self._faults = faults
        self._people = sample_people(config.sample)

    def register(self, app: Flask) -> None:
        def page(path: str, verb: str, view: Callable[[], Response]) -> None:
            app.add_url_rule(path, f"{verb} {path}", lambda: self._guarded(view), methods=[verb])

        for path in ("/o/oauth2/v2/auth", "/o/oauth2/auth"):
            page(path, "GET", self._authorize)
        page("/", "GET", lambda: _to(OWN_PAGE))
        page(OWN_PAGE, "GET", self._own_page)
        page("/AddSession", "GET", self._add_session)
        page("/v3/signin/accountchooser", "POST", self._choose_again)
        page("/v3/signin/identifier", "POST", self._identify)
        page("/v3/signin/challenge/pwd", "POST", self._check_password)
        page("/v3/signin/changepassword", "POST", self._change_password)
        page("/v3/signin/cancel", "POST", self._cancel)
        page("/Logout", "POST", self._sign_out)

    def _guarded(self, view: Callable[[], Response]) -> Response:
        try:
            result = self._faults.around("oidc", "auth", request.path, view)
        except BadRequest as error:
            return _page("refused.html", error.status, error=error.error, description=error.description)
        except ApiError as error:
            return _page("refused.html", error.code, error=error.reason, description=error.message)
        return result.as_response() if isinstance(result, Answer) else result

    def _authorize(self) -> Response:
        flow = check_request(self._config, request.args)
        prompts = flow.get("prompt", "").split()
        if "none" in prompts:
            account = self._signed_in()
            if account is None:
                return _to(refused_address(flow, "login_required"))
            return _to(granted_address(self._state, self._config, flow, account))
        return self._started(flow, "" if "select_account" in prompts else flow.get("login_hint", ""))

    def _own_page(self) -> Response:
        account = self._signed_in()
        if account is not None and request.args.get("prompt") != "select_account":
            return _page("signed_in.html", account=account)
        return self._started({})

    def _add_session(self) -> Response:
        """What the code on a slip opens: another account beside those of this browser."""
        return self._started({}, request.args.get("Email", ""))

    def _started(self, flow: Flow, hint: str = "") -> Response:
        secret = start_flow(self._state, flow)
        hinted = self._accounts.find(hint)
        if hinted is None:
            return self._chooser(secret, flow)
        return _page("password.html", flow=secret, address=hinted.address)

    def _choose_again(self) -> Response:
        secret, flow = self._flow()
        return self._chooser(secret, flow)

    def _identify(self) -> Response:
        secret, flow = self._flow()
        address = (request.form.get("account") or request.form.get("identifier", "")).strip()
        account = self._accounts.find(address) if "@" in address else None
        if account is None:
            error = "unknown" if address else "empty"
            return self._chooser(secret, flow, error=error, address=address)
        return _page("password.html", flow=secret, address=account.address)

    def _check_password(self) -> Response:
        secret, flow = self._flow()
        account = self._accounts.find(request.form.get("identifier", ""))
        if account is None:
            return self._chooser(secret, flow, error="unknown")
        password = request.form.get("password", "")
        if not passwords.matches(account.password, password):
            error = "wrong" if password else "empty"
            return _page("password.html", flow=secret, address=account.address, error=error)
        if not account.may_sign_in:
            return _page("suspended.html", flow=secret, address=account.address)
        if account.must_change_password:
            changing = start_flow(self._state, {**flow, "changing": account.id})
            return _page("new_password.html", flow=changing, address=account.address)
        return self._finish(flow, account)

    def _change_password(self) -> Response:
        secret, flow = self._flow()
        account = self._accounts.find(flow.get("changing", ""))
        if account is None or not account.may_sign_in:
            raise BadRequest(400, EXPIRED, "")
        chosen = request.form.get("new_password", "")
        error = _fault_of(account, chosen, request.form.get("new_password_again", ""))
        if error:
            return _page("new_password.html", flow=secret, address=account.address, error=error)
        self._state.take("flow", secret)
        account = self._accounts.change(account.id, password=passwords.keep(chosen), must_change_password=False)
        return self._finish(flow, account)

    def _finish(self, flow: Flow, account: Account) -> Response:
        account = self._accounts.change(account.id, last_login=now_text(), agreed_to_terms=True)
        is_own = "redirect_uri" not in flow
        target = OWN_PAGE if is_own else granted_address(self._state, self._config, flow, account)
        response = _to(target)
        session = secrets.token_urlsafe(32)
        self._state.put("session", session, {"account": account.id}, SESSION_SECONDS)
        response.set_cookie(COOKIE, session, SESSION_SECONDS, httponly=True, samesite="Lax")
        return response

    def _cancel(self) -> Response:
        _, flow = self._flow()
        return _to(refused_address(flow, "access_denied") if "redirect_uri" in flow else OWN_PAGE)

    def _sign_out(self) -> Response:
        self._state.take("session", request.cookies.get(COOKIE, ""))
        response = _to(OWN_PAGE)
        response.delete_cookie(COOKIE)
        return response

    def _signed_in(self) -> Account | None:
        session = self._state.get("session", request.cookies.get(COOKIE, ""))
        account = self._accounts.find(session["account"]) if session else None
        return account if account is not None and account.may_sign_in else None

    def _flow(self) -> tuple[str, Flow]:
        secret = request.form.get("flow", "")
        flow = self._state.get("flow", secret)
        if flow is None:
            raise BadRequest(400, EXPIRED, "")
        return secret, flow

    def _chooser(self, secret: str, flow: Flow, error: str = "", address: str = "") -> Response:
        # `hd` narrows what is offered and nothing else: the client has to check the claim.
        ending = f"@{flow['hd']}" if flow.get("hd", "*") != "*" else ""
        people = [person for person in self._people if person.address.endswith(ending)]
        site = urlsplit(flow["redirect_uri"]).netloc if "redirect_uri" in flow else ""
        return _page("chooser.html", flow=secret, people=people, error=error, address=address, site=site)


def _fault_of(account: Account, chosen: str, again: str) -> str:
    if not chosen:
        return "empty"
    if len(chosen) < passwords.SHORTEST:
        return "short"
    if not passwords.is_acceptable(chosen):
        return "unacceptable"
    if chosen != again:
        return "different"
    return "same" if passwords.matches(account.password, chosen) else ""


def _to(address: str) -> Response:
    response: Any = redirect(address, 302)
    assert isinstance(response, Response)
    return response


def _page(template: str, status: int = 200, **values: Any) -> Response:
    return Response(render_template(template, **values), status, {"Cache-Control": "no-store"})
