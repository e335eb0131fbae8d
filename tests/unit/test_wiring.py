"""What the wiring asks Google for: no token may do more than its adapter needs."""

from typing import NoReturn

import pytest

from secciones import stores, wiring
from secciones.adapters import kms
from secciones.adapters.access_token import CredentialsToken, MetadataToken, NoToken
from secciones.domain.errors import SealerUnavailable
from secciones.settings import ResetSettings, VerifySettings, WorkerSettings, load
from tests.support.every_setting import EVERY_SETTING


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The scope of each token of the function's own account, as it is asked for."""
    scopes: list[str] = []

    def refuse(self: MetadataToken) -> NoReturn:
        scopes.append(self._scope)
        raise NoToken("none for a test", is_passing=False)

    monkeypatch.setattr(MetadataToken, "__call__", refuse)
    return scopes


def test_who_seals_and_who_opens_may_use_keys_and_nothing_else(asked: list[str]) -> None:
    with pytest.raises(SealerUnavailable):
        wiring._sealer(load(ResetSettings, EVERY_SETTING)).seal(b"seed", "batch")
    with pytest.raises(SealerUnavailable):
        wiring._opener(load(WorkerSettings, EVERY_SETTING)).open(b"seal", "batch")
    assert asked == [kms.SCOPE, kms.SCOPE]


def test_only_where_a_key_file_is_named_the_token_is_not_the_machines() -> None:
    keyed = EVERY_SETTING | {"GOOGLE_APPLICATION_CREDENTIALS": "/key.json"}
    assert isinstance(stores.own_token(load(VerifySettings, EVERY_SETTING), "scope"), MetadataToken)
    assert isinstance(stores.own_token(load(VerifySettings, keyed), "scope"), CredentialsToken)
