"""Use cases are tested over fakes at the edge and a real store."""

from pathlib import Path

import pytest

from tests.support.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.in_folder(tmp_path)
