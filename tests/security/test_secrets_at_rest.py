"""Threat: whoever reads a store, a queue or a log finds what opens an account. Guard: passwords are derived and never
kept, cookies are kept as hashes, DUIs as pseudonyms, and logs name nothing secret.

Fails when any of the journey's secrets is written: let `Sessions._id` return the cookie, or log a form's field.
"""

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import requests

from tests.security.test_double_submit import form_of
from tests.support.google_pages import changes, letters, wait_for
from tests.support.stack import Stack
from tests.support.visitor import Visitor, open_section

OURS = (
    "login",
    "verify",
    "sections",
    "reset",
    "worker",
    "sweeper",
    "mirror",
    "auditor",
    "operate",
    "importer",
    "front_door",
    "tasks",
    "scheduler",
    "siges",
)


class Journey:
    """A teacher's whole way, with a slip and a sign-out, and every secret that was used on it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.person = stack.person("karla")
        self.visitor = Visitor(stack.origin)
        self.secrets: dict[str, str] = {}
        self.visitor.session.hooks["response"].append(self.note_sign_in)

    def walk(self) -> None:
        person = self.person
        self.note(password=person["password"], dui=person["dui"], dui_digits=person["dui"].replace("-", ""))
        self.note(nip=person["nip"], wrong_nip="8642975")
        kept = json.loads((self.stack.folder / "state/secrets.json").read_text())
        self.note(**kept)
        identity = self.visitor.sign_in(person["address"], person["password"])
        self.note(session=self.visitor.cookie())
        slip = self.visitor.verify(identity, person["dui"], "8642975")
        assert slip.status == 403
        schools = self.visitor.verify(slip, person["dui"], person["nip"])
        self.note(verified_session=self.visitor.cookie())
        section = open_section(self.visitor, schools)
        confirmation = self.visitor.submit(section, "/secciones/restablecer")
        self.note(**{name: value for name, value in form_of(confirmation) if name in {"csrf_token", "form_nonce"}})
        result = self.visitor.submit(confirmation, "/secciones/restablecer")
        wait_for("the mail", lambda: self.visitor.session.get(f"{result.url}/estado").json()["finished"], 60)
        self.note_passwords()
        self.visitor.submit(self.visitor.get(result.path), "/secciones/salir")

    def note(self, **secrets: str) -> None:
        self.secrets |= secrets

    def note_sign_in(self, answer: requests.Response, **_: object) -> None:
        for cookie in re.findall(r"__Host-sign-in=([^;]{9,})", answer.headers.get("Set-Cookie", "")):
            self.note(attempt=cookie)
        for name, values in parse_qs(urlsplit(answer.headers.get("Location", "")).query).items():
            if name in {"code", "state", "nonce"}:
                self.note(**{name: values[0]})

    def note_passwords(self) -> None:
        letter = letters(self.stack.google, self.person["address"])[0]
        rows = csv.DictReader(io.StringIO(letter.attachments["cuentas.csv"].decode("utf-8-sig")))
        self.note(**{f"password of {row['Cuenta']}": row["Contraseña temporal"] for row in rows})
        for change in changes(self.stack.google):
            self.note(**{f"set for {change['userKey']}": change["changes"]["password"]})


@pytest.fixture(scope="module")
def journey(stack: Stack) -> Journey:
    walked = Journey(stack)
    walked.walk()
    return walked


def places(stack: Stack) -> Iterator[Path]:
    """All that our side of the stack has written; Google's stand-in is where passwords belong."""
    yield from (stack.folder / "logs" / f"{part}.log" for part in OURS)
    stores = [path for path in (stack.folder / "state").glob("*.sqlite*") if path.is_file()]
    assert {"documents.sqlite", "audit.sqlite"} <= {path.name for path in stores}
    yield from stores
    yield from (path for folder in ("tasks", "siges") for path in (stack.folder / "state" / folder).glob("**/*"))


def test_the_journey_has_used_every_kind_of_secret(journey: Journey) -> None:
    """Else nothing would be looked for."""
    kinds = {"password", "dui", "nip", "attempt", "code", "state", "session", "verified_session", "csrf_token"}
    assert {*kinds, "form_nonce", "SESSION_SECRET", "PSEUDONYM_SECRET", "SIGES_TOKEN"} <= journey.secrets.keys()
    assert sum(name.startswith("password of") for name in journey.secrets) > 1
    assert all(len(value) >= 7 for value in journey.secrets.values())


def test_no_log_store_queue_or_audit_holds_a_secret_of_it(stack: Stack, journey: Journey) -> None:
    found = []
    files = [path for path in places(stack) if path.is_file()]
    assert len(files) >= len(OURS) + 3
    for path in files:
        content = path.read_bytes()
        for name, secret in journey.secrets.items():
            forms = {secret.encode(), quote(secret, safe="").encode(), json.dumps(secret)[1:-1].encode()}
            found += [(path.name, name) for form in forms if form in content]
    assert found == []


def test_what_is_kept_is_enough_to_tell_the_story(stack: Stack, journey: Journey) -> None:
    """Without a secret, but not without words: the refusal, the verification and the result are in log and audit."""
    log = stack.log("verify")
    assert "audit: verification unknown_numbers" in log
    assert "audit: verification verified" in log
    assert journey.person["address"] in log


def test_the_stores_files_are_their_owners_alone(stack: Stack) -> None:
    for path in (stack.folder / "state/keys").glob("*.json"):
        assert path.stat().st_mode & 0o077 == 0
    assert (stack.folder / "state/secrets.json").stat().st_mode & 0o077 == 0
