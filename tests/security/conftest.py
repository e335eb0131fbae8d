"""What the attacks need: pages in this process for many attempts, and the real stack where reality matters."""

import json
import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from secciones.adapters.sqlite import SqliteDocuments
from tests.support.google_pages import changes, mails
from tests.support.site import Pages
from tests.support.stack import Stack
from tests.support.world import World

# `make test-long`: many more attempts of the same kinds.
IS_LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.in_folder(tmp_path)


@pytest.fixture
def pages(world: World) -> Pages:
    return Pages(world)


def recorded(stack: Stack) -> tuple[Any, Any, set[str]]:
    """What the Directory was told, what was mailed, and which batches there are."""
    documents = SqliteDocuments(stack.folder / "state/documents.sqlite", lambda: datetime.now(UTC))
    batches = {batch_id for batch_id, _ in documents.query("batches", {}, "created_at", 10_000)}
    return changes(stack.google), mails(stack.google), batches


@pytest.fixture
def nothing_changes(stack: Stack) -> Iterator[None]:
    """Whatever the test does, no account, no mail and no batch comes of it."""
    before = recorded(stack)
    yield
    assert recorded(stack) == before


@pytest.fixture
def log_lines() -> Iterator[list[dict[str, Any]]]:
    """The lines that the program writes during the test, as Cloud Logging reads them."""
    lines: list[dict[str, Any]] = []

    class Reader(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(json.loads(record.getMessage()))

    logger, reader = logging.getLogger("secciones"), Reader()
    level = logger.level
    logger.addHandler(reader)
    logger.setLevel(logging.INFO)
    yield lines
    logger.removeHandler(reader)
    logger.setLevel(level)
