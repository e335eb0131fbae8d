"""The Google stand-in as a process of its own over a small sample, and the real clients to drive it with."""

import base64
import contextlib
import csv
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from google.auth.transport.requests import Request
from google.oauth2 import service_account
from googleapiclient.discovery import build, build_from_document
from googleapiclient.discovery_cache import get_static_doc

from tests.support.emulator import end_process_group, free_port

ROOT = Path(__file__).resolve().parents[2]
DOMAIN = "clases.edu.sv"
CLIENT_ID = "secciones-local.apps.googleusercontent.com"
CLIENT_SECRET = "only-for-tests"
REDIRECT = "http://localhost:9999/secciones/oauth2/callback"
WORKER = "worker@secciones-local.iam.gserviceaccount.com"
LOGIN = "login@secciones-local.iam.gserviceaccount.com"
TASKS = "tasks@secciones-local.iam.gserviceaccount.com"
KMS_KEY = "projects/secciones-local/locations/us-central1/keyRings/secciones/cryptoKeys/seeds"

SCOPE = "https://www.googleapis.com/auth/"
USERS = f"{SCOPE}admin.directory.user"
READ_USERS = f"{SCOPE}admin.directory.user.readonly"
SEND_MAIL = f"{SCOPE}gmail.send"
READ_MAIL = f"{SCOPE}gmail.readonly"
CLOUD = f"{SCOPE}cloud-platform"

DELEGATED_ADMIN = f"restablecer@{DOMAIN}"
SUPER_ADMIN = f"principal@{DOMAIN}"
TEACHER = f"ana.munoz@{DOMAIN}"
OTHER_TEACHER = f"luis.pena@{DOMAIN}"
STUDENT = f"1000001@{DOMAIN}"
NEWCOMER = f"1000002@{DOMAIN}"
SUSPENDED = f"1000003@{DOMAIN}"
ARCHIVED = f"1000004@{DOMAIN}"
OUTSIDER = "alguien@gmail.com"
PASSWORD = "la-clave-de-siempre"

HEADER = [
    *("primaryEmail", "givenName", "familyName", "password", "orgUnitPath"),
    *("suspended", "archived", "isAdmin", "isDelegatedAdmin"),
    *("lastLoginTime", "agreedToTerms", "changePasswordAtNextLogin", "aliases"),
]
LAST_LOGIN = "2026-10-30T08:05:00-06:00"


def _row(
    address: str, given: str, family: str, unit: str, last_login: str = LAST_LOGIN, **other: str
) -> dict[str, str]:
    flags = dict.fromkeys(HEADER[5:9], "false") | {"agreedToTerms": "true", "changePasswordAtNextLogin": "false"}
    row = {"primaryEmail": address, "givenName": given, "familyName": family, "password": PASSWORD, "aliases": ""}
    return row | flags | {"orgUnitPath": unit, "lastLoginTime": last_login} | other


ACCOUNTS = [
    _row(SUPER_ADMIN, "Persona", "Principal", "/", isAdmin="true"),
    _row(DELEGATED_ADMIN, "Persona", "Delegada", "/Servicios", isDelegatedAdmin="true"),
    _row(TEACHER, "Ana María", "Muñoz de Peña", "/Docentes", aliases=f"ana@{DOMAIN} amunoz@{DOMAIN}"),
    _row(OTHER_TEACHER, "Luis", "Peña", "/Docentes/99101"),
    _row(STUDENT, "Zoila", "Ávalos", "/Estudiantes/99101"),
    _row(NEWCOMER, "Abel", "Zepeda", "/Estudiantes/99101", last_login="", agreedToTerms="false"),
    _row(SUSPENDED, "Marta", "Cruz", "/Estudiantes/99204", suspended="true"),
    _row(ARCHIVED, "Rosa", "Cruz", "/Estudiantes/99204", archived="true"),
    _row(f"1000005@{DOMAIN}", "Óscar", "Núñez", "/Estudiantes-retirados"),
    _row(OUTSIDER, "Alguien", "de Afuera", ""),
]
PEOPLE = [
    {"address": TEACHER, "name": "Ana María Muñoz de Peña", "note": "dos centros educativos"},
    {"address": OUTSIDER, "name": "Alguien de Afuera", "note": "cuenta personal"},
    {"address": OTHER_TEACHER, "name": "Luis Peña", "note": ""},
]


@dataclass
class StandIn:
    """A running stand-in; `restart` kills it and starts it again over the same state."""

    folder: Path
    port: int
    options: tuple[str, ...]
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def key_file(self, email: str = WORKER) -> Path:
        return self.folder / "keys" / f"{email.partition('@')[0]}.json"

    def start(self) -> None:
        """Returns when it is ready; raises RuntimeError with its log when it does not start."""
        command = [
            *(sys.executable, "-m", "infra.local.google", "--port", str(self.port)),
            *("--state", str(self.folder / "state"), "--sample", str(self.folder / "sample")),
            *("--client-secret", CLIENT_SECRET, "--redirect-uri", REDIRECT),
            *(f"--key-file={email}={self.key_file(email)}" for email in (WORKER, LOGIN, TASKS)),
            *self.options,
        ]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait_until_ready(self.process)

    def stop(self) -> None:
        if self.process is not None:
            end_process_group(self.process)

    def restart(self) -> None:
        """Killed without warning, with all its processes, and started again."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        end_process_group(self.process)
        self.start()

    def control(self, name: str, body: Any) -> Any:
        """What the control plane answers; raises for a refusal."""
        answer = requests.post(f"{self.url}/_control/{name}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def history(self) -> Any:
        return requests.get(f"{self.url}/_control/history", timeout=10).json()

    def clear(self) -> None:
        """No fault, no latency, the usual quota, nothing told."""
        requests.delete(f"{self.url}/_control/faults", timeout=10).raise_for_status()
        requests.delete(f"{self.url}/_control/history", timeout=10).raise_for_status()
        self.control("quota", {"per_minute": 2400})

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(requests.ConnectionError):
                if requests.get(f"{self.url}/healthz", timeout=5).status_code == 200:
                    return
            time.sleep(0.05)
        raise RuntimeError(f"the Google stand-in did not start:\n{(self.folder / 'log').read_text()[-3000:]}")


@contextlib.contextmanager
def running_stand_in(folder: Path, *options: str) -> Iterator[StandIn]:
    """A stand-in over the sample of this file, on a free port; gone at the end."""
    sample = folder / "sample"
    sample.mkdir(parents=True)
    _write_csv(sample / "accounts.csv", ACCOUNTS)
    nobody = {"password": PASSWORD, "dui": "", "nip": "", "role": "docente"}
    _write_csv(sample / "people.csv", [{**nobody, **person} for person in PEOPLE])
    stand_in = StandIn(folder, free_port(), options)
    try:
        stand_in.start()
        yield stand_in
    finally:
        stand_in.stop()


def credentials(google: StandIn, subject: str | None, *scopes: str, account: str = WORKER) -> Any:
    """What google-auth makes of the key file, acting as `subject`."""
    path = str(google.key_file(account))
    made = service_account.Credentials.from_service_account_file(path, scopes=list(scopes))
    return made.with_subject(subject) if subject else made


def directory(google: StandIn, subject: str = DELEGATED_ADMIN, *scopes: str) -> Any:
    """Google's own client of the Directory; close it, or use it as a context manager."""
    return client(google, "admin", "directory_v1", credentials(google, subject, *(scopes or (USERS,))))


def client(google: StandIn, name: str, version: str, made: Any) -> Any:
    return build(
        name,
        version,
        credentials=made,
        client_options={"api_endpoint": google.url},
        static_discovery=True,
        cache_discovery=False,
    )


def rooted(google: StandIn, name: str, version: str, made: Any) -> Any:
    """A client with its very root moved: `client_options` moves neither batch nor upload addresses."""
    document = json.loads(get_static_doc(name, version))
    document |= {"rootUrl": f"{google.url}/", "baseUrl": f"{google.url}/"}
    with requests.Session() as session:
        made.refresh(Request(session))  # a batch would do it by a connection that it never closes
    return build_from_document(document, credentials=made)


@dataclass
class Browser:
    """A person's browser at the sign-in pages, which follows no redirect away from them."""

    google: StandIn
    session: requests.Session = field(default_factory=requests.Session)
    verifier: str = "v" * 64

    def authorize(self, **changes: str | None) -> requests.Response:
        """The authorization request of a well-behaved client, with changes (None leaves out)."""
        parameters = {
            "client_id": CLIENT_ID,
            "redirect_uri": REDIRECT,
            "response_type": "code",
            "scope": "openid email profile",
            "state": "the state",
            "nonce": "the nonce",
            "code_challenge": s256(self.verifier),
            "code_challenge_method": "S256",
            "hd": DOMAIN,
            "prompt": "select_account",
        }
        asked = {name: value for name, value in (parameters | changes).items() if value is not None}
        return self.session.get(f"{self.google.url}/o/oauth2/v2/auth", params=asked, allow_redirects=False, timeout=10)

    def submit(self, page: requests.Response, path: str, **fields: str) -> requests.Response:
        """Post a form of this page, which carries the page's hidden `flow`."""
        flow = re.search(r'name="flow" value="([^"]+)"', page.text)
        assert flow is not None, page.text
        return self.session.post(
            f"{self.google.url}{path}", data={"flow": flow[1], **fields}, allow_redirects=False, timeout=10
        )

    def choose(self, page: requests.Response, address: str) -> requests.Response:
        return self.submit(page, "/v3/signin/identifier", identifier=address)

    def enter(self, page: requests.Response, address: str, password: str) -> requests.Response:
        return self.submit(page, "/v3/signin/challenge/pwd", identifier=address, password=password)

    def renew(self, page: requests.Response, new: str, again: str | None = None) -> requests.Response:
        again = new if again is None else again
        return self.submit(page, "/v3/signin/changepassword", new_password=new, new_password_again=again)

    def sign_in(self, address: str, password: str = PASSWORD, **changes: str | None) -> requests.Response:
        """What follows the password page: a redirect, or another page."""
        return self.enter(self.choose(self.authorize(**changes), address), address, password)

    def own_page(self, address: str, password: str) -> requests.Response:
        """What follows the password page when the person just wants to sign in."""
        start = self.session.get(f"{self.google.url}/signin?prompt=select_account", timeout=10)
        return self.enter(self.choose(start, address), address, password)

    def close(self) -> None:
        self.session.close()


def code_of(response: requests.Response) -> str:
    """The code in the redirect back to the client."""
    return redirected(response)["code"]


def redirected(response: requests.Response) -> Mapping[str, str]:
    """The parameters with which the browser is sent back to the client."""
    assert response.status_code == 302, response.text
    address = response.headers["Location"]
    assert address.startswith(f"{REDIRECT}?")
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def exchange(google: StandIn, code: str, verifier: str = "v" * 64, **changes: str) -> requests.Response:
    """The client's call of the token endpoint."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "code_verifier": verifier,
    }
    return requests.post(f"{google.url}/token", data=form | changes, timeout=10)


def s256(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _write_csv(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]) if "dui" in rows[0] else HEADER)
        writer.writeheader()
        writer.writerows(rows)
