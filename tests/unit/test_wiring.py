"""What the wiring asks Google for: no credential may do more than its adapter needs."""

from collections.abc import Sequence
from typing import Any

import pytest

from secciones import wiring
from secciones.adapters import google_credentials, kms
from secciones.settings import ResetSettings, WorkerSettings, load
from tests.support.every_setting import EVERY_SETTING


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The scopes of each credential of the function's own, as it is asked for."""
    scopes: list[list[str]] = []

    def credentials(wanted: Sequence[str]) -> Any:
        scopes.append(list(wanted))
        return object()

    monkeypatch.setattr(google_credentials, "application_credentials", credentials)
    return scopes


def test_who_seals_and_who_opens_may_use_keys_and_nothing_else(asked: list[list[str]]) -> None:
    wiring._sealer(load(ResetSettings, EVERY_SETTING))
    wiring._opener(load(WorkerSettings, EVERY_SETTING))
    assert asked == [[kms.SCOPE], [kms.SCOPE]]
