"""What the program logs, line by line, wherever its logger writes to."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(record.getMessage()))


@pytest.fixture
def log_lines() -> Iterator[list[dict[str, Any]]]:
    """The lines of this test so far; each must be one JSON object."""
    logger, collector = logging.getLogger("secciones"), _Collector()
    before = logger.level
    logger.addHandler(collector)
    logger.setLevel(logging.INFO)
    yield collector.lines
    logger.removeHandler(collector)
    logger.setLevel(before)
