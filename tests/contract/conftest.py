"""Contract suites run against scripted answers and, through these fixtures, against the stand-ins."""

import uuid
from collections.abc import Iterator

import pytest

from tests.contract.documents_stores import Store
from tests.support.standins import google, google_process, tasks, tasks_process

__all__ = ["google", "google_process", "tasks", "tasks_process"]


@pytest.fixture(scope="module", params=["firestore", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    if request.param == "sqlite":
        yield Store("sqlite", str(tmp_path_factory.mktemp("documents") / "made" / "at-first-use"))
        return
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FIRESTORE_EMULATOR_HOST", request.getfixturevalue("firestore_emulator"))
        yield Store("firestore", f"secciones-{uuid.uuid4().hex[:12]}")
