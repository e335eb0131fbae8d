"""What a function is asked first by the bench of cold starts and by the test of its imports: a call that makes it use
the systems which nearly every call of it needs, the store among them."""

import contextlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from secciones.adapters.system import SystemClock, SystemIds
from secciones.domain.standings import Standing
from secciones.ports.documents import Documents
from secciones.services.mirror_accounts import Pass, keep_standings
from secciones.services.sessions import Sessions, SessionTimes
from secciones.web.session import SESSION_COOKIE
from tests.support.every_setting import EVERY_SETTING, SECRET
from tests.support.google_edge import METADATA_PATH, TOKEN_PATH, give_tokens, key_file_content
from tests.support.issuer import Issuer
from tests.support.scripted_http import Answer, scripted_server

_NO_BATCH = "a" * 26
_REPORT = {"action": "report", "batch": _NO_BATCH, "operator": "ana@clases.edu.sv", "reason": "a bench"}
# A section of forty students, whose accounts the mirror knows.
SECTION = "/secciones/centros/s1/x1"
_SECTION = {"id": "x1", "code": "A", "name": "Quinto A", "grade": "Quinto", "shift": "Matutino", "state": "open"}
_SCHOOL = {"id": "s1", "code": "10001", "name": "Centro Escolar", "department": "", "municipality": ""}
_NIES = range(1_000_001, 1_000_041)
_STUDENTS = [
    {
        "id": f"e{nie}",
        "nie": f"{nie}",
        "givenNames": "Ana María",
        "surnames": "Cruz",
        "email": None,
        "enrolment": "active",
    }
    for nie in _NIES
]
_ACCOUNTS = [
    {
        "id": f"g{nie}",
        "primaryEmail": f"{nie}@clases.edu.sv",
        "orgUnitPath": "/Estudiantes",
        "isAdmin": False,
        "isDelegatedAdmin": False,
        "suspended": False,
    }
    for nie in _NIES
]


@dataclass(frozen=True)
class Question:
    """A request, and the status of the answer that it must have, so that no failure is taken for a fast answer."""

    method: str
    path: str
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


@contextlib.contextmanager
def first_questions(documents: Documents) -> Iterator[tuple[dict[str, str], dict[str, Question]]]:
    """The settings for all functions but the store's, which `documents` is in, and each function's question."""
    times = SessionTimes(timedelta(minutes=15), timedelta(hours=8), timedelta(minutes=20))
    sessions = Sessions(documents, SystemClock(), SystemIds(), SECRET, times)
    signed_in = _cookie(sessions.open("sub", "docente@clases.edu.sv", "Ana"))
    verified = _cookie(sessions.open("sub", "docente@clases.edu.sv", "Ana", "t1", "actor"))
    now = SystemClock().now()
    # A mirror that has nothing to do yet: most calls of it find that.
    documents.transact(lambda transaction: Pass(now, "", is_whole=True, whole_since=now).save(transaction, now))
    accounts = {f"{nie}@clases.edu.sv": Standing(f"g{nie}", None, now, org_unit="/Estudiantes") for nie in _NIES}
    keep_standings(documents, now, accounts)
    with scripted_server() as server, tempfile.TemporaryDirectory() as folder:
        issuer = Issuer(server)
        give_tokens(server)
        give_tokens(server, METADATA_PATH)
        key = Path(folder) / "key.json"
        key.write_text(json.dumps(key_file_content(f"{server.url}{TOKEN_PATH}")))
        server.on(f"/storage/v1/b/{EVERY_SETTING['REGISTRY_BUCKET']}/o", Answer(body={}))
        section = _SECTION | {"studentCount": len(_STUDENTS)}
        schools = [_SCHOOL | {"sections": [section]}, _SCHOOL | {"id": "s2", "sections": []}]
        roster = {"school": _SCHOOL, "section": section, "students": _STUDENTS}
        server.on("/admin/directory/v1/users", Answer(body={"users": _ACCOUNTS}))
        server.on("/v1/teachers/t1/schools", Answer(body={"schools": schools}))
        server.on("/v1/teachers/t1/sections/x1/students", Answer(body=roster))
        settings = EVERY_SETTING | {"CALLER_ISSUER": server.url, "SIGES_URL": server.url}
        settings |= {"STORAGE_API_ENDPOINT": server.url, "GOOGLE_APPLICATION_CREDENTIALS": str(key)}
        settings |= {"GCE_METADATA_HOST": server.url.removeprefix("http://")}
        settings |= {"DIRECTORY_API_ENDPOINT": server.url, "TOKEN_ENDPOINT": f"{server.url}{TOKEN_PATH}"}

        def called(audience: str, caller: str, status: int = 200, **body: str) -> Question:
            token = issuer.token(aud=settings[audience], email=settings[caller])
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            return Question("POST", "/", status, headers, json.dumps(body) if body else "")

        yield (
            settings,
            {
                "login": Question("GET", "/secciones/", 200),
                "verify": Question("GET", "/secciones/identidad", 200, signed_in),
                "sections": Question("GET", "/secciones/centros", 200, verified),
                "reset": Question("GET", f"/secciones/resultado/{_NO_BATCH}", 404, verified),
                "worker": called("WORKER_URL", "TASKS_SERVICE_ACCOUNT", batch=_NO_BATCH),
                "sweeper": called("SWEEPER_URL", "SCHEDULER_SERVICE_ACCOUNT"),
                "operate": called("OPERATE_URL", "OPERATORS_SERVICE_ACCOUNT", 404, **_REPORT),
                "mirror": called("MIRROR_URL", "SCHEDULER_SERVICE_ACCOUNT"),
                "auditor": called("AUDITOR_URL", "SCHEDULER_SERVICE_ACCOUNT"),
                "importer": called("IMPORTER_URL", "SCHEDULER_SERVICE_ACCOUNT"),
            },
        )


def _cookie(value: str) -> dict[str, str]:
    return {"Cookie": f"{SESSION_COOKIE}={value}"}
