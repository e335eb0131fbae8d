"""Structured logs: one JSON object a line, as Cloud Logging reads it, each with the id of the request."""

import json
import logging
import sys
import traceback
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

request_id: ContextVar[str] = ContextVar("request_id", default="")
_logger = logging.getLogger("secciones")


def configure() -> None:
    """Send this program's lines to standard output, and nothing of it through the root logger a second time."""
    if not _logger.handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(logging.Formatter("%(message)s"))
        _logger.addHandler(handler)
        _logger.setLevel(logging.INFO)
        _logger.propagate = False


def threads(most: int) -> "ThreadPoolExecutor":
    """So many threads, for one request: their lines carry its id as well."""
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(most, initializer=request_id.set, initargs=(request_id.get(),))


def write(severity: str, message: str, **fields: Any) -> None:
    """One line; `severity` is Cloud Logging's. For WARNING and above, `message` says what an operator should do."""
    line = {"severity": severity, "message": message, "request": request_id.get(), **fields}
    _logger.info(json.dumps(line, ensure_ascii=False, default=_text))


def _text(value: object) -> str:
    """What JSON has no form for; a moment is in ISO form."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def write_exception(message: str, error: BaseException) -> None:
    """An unforeseen error: its kind and where it came from, but not its text, which could carry a person's data."""
    frames = traceback.extract_tb(error.__traceback__)
    where = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames[-12:]]
    write("CRITICAL", message, error=type(error).__name__, where=where)
