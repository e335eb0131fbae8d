"""A teacher resets a section while SIGES is away: from the export in the bucket to the mail, over real processes."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from google.auth.transport.requests import AuthorizedSession
from google.oauth2 import service_account

from infra.local.configuration import FIRST_FUNCTION, FUNCTIONS
from secciones.adapters.cloud_storage import SCOPE, CloudStorageBucket
from tests.support.emulator import free_port
from tests.support.google_pages import mails, wait_for
from tests.support.oneroster import zipped
from tests.support.siges import SAMPLE
from tests.support.stack import Stack, running_stack, temporary_folder
from tests.support.visitor import Visitor, open_section

BUCKET = "secciones-local-roster"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A stack without SIGES."""
    environment = {
        "FIRESTORE_EMULATOR_HOST": "",
        "REGISTRY": "siges-then-oneroster",
        "SIGES_URL": f"http://localhost:{free_port()}",
    }
    with temporary_folder() as folder, running_stack(folder, environment) as running:
        yield running


def key_of(stack: Stack, name: str, *scopes: str) -> Any:
    path = stack.folder / f"state/keys/{name}.json"
    return service_account.Credentials.from_service_account_file(path, scopes=list(scopes))


def import_now(stack: Stack) -> Any:
    """What Cloud Scheduler does every few minutes."""
    address = f"http://127.0.0.1:{stack.port + FIRST_FUNCTION + FUNCTIONS.index('importer')}"
    with AuthorizedSession(key_of(stack, "scheduler", "https://www.googleapis.com/auth/cloud-platform")) as google:
        answer = google.post(
            f"{stack.google}/v1/projects/-/serviceAccounts/{google.credentials.service_account_email}:generateIdToken",
            json={"audience": address, "includeEmail": True},
            timeout=10,
        )
    answer.raise_for_status()
    token = answer.json()["token"]
    return requests.post(address, headers={"Authorization": f"Bearer {token}"}, timeout=60).json()


def test_a_teacher_resets_a_section_by_what_was_imported(stack: Stack) -> None:
    teacher = stack.teachers[0]
    visitor = Visitor(stack.origin)
    identity = visitor.sign_in(teacher["address"], teacher["password"])
    assert visitor.verify(identity, teacher["dui"], teacher["nip"]).path != "/secciones/centros", "nothing is imported"

    bucket = CloudStorageBucket(
        lambda: key_of(stack, "importer", SCOPE), stack.google, BUCKET, random=lambda: 0, sleep=lambda _: None
    )
    export = zipped({path.name: path.read_bytes() for path in (SAMPLE / "oneroster").glob("*.csv")})
    bucket.write("incoming/roster.zip", io.BytesIO(export))
    told = import_now(stack)
    assert told["state"] in {"imported", "nothing to import"}, told  # the scheduler may have been quicker
    assert bucket.files("incoming/") == []

    identity = visitor.get("/secciones/identidad")
    schools = visitor.verify(identity, teacher["dui"], teacher["nip"])
    assert schools.path == "/secciones/centros", schools.text
    section = open_section(visitor, schools)
    confirmation = visitor.submit(section, "/secciones/restablecer")
    visitor.submit(confirmation, "/secciones/restablecer")
    wait_for("the mail", lambda: bool(mails(stack.google)), 60)

    logs = "".join(path.read_text() for path in (stack.folder / "logs").iterdir())
    assert "the imported registry stands in" in logs
    numbers = {number for person in stack.teachers for number in (person["dui"].replace("-", ""), person["nip"])}
    kept = b"".join(path.read_bytes() for path in (stack.folder / "state").glob("*.sqlite*"))
    assert [number for number in numbers if number in logs or number.encode() in kept] == []
