"""Times, durations and enums as the API writes them; inside, times are seconds as floats."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from infra.local.tasks.errors import invalid

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
DURATION = re.compile(r"-?\d{1,12}(\.\d{1,9})?s")


def parse_time(text: str, field: str) -> float:
    """Seconds since the epoch. Raises ApiError."""
    if not TIMESTAMP.fullmatch(text):
        raise invalid(f"Invalid value at '{field}' (Timestamp), Illegal timestamp format")
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise invalid(f"Invalid value at '{field}' (Timestamp), {error}") from None


def parse_duration(text: str, field: str) -> float:
    """Seconds. Raises ApiError."""
    if not DURATION.fullmatch(text):
        raise invalid(f"Invalid value at '{field}' (Duration), Illegal duration format")
    return float(text[:-1])


def format_time(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    precision = "microseconds" if moment.microsecond else "seconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


def format_duration(seconds: float) -> str:
    return f"{seconds:.0f}s" if seconds == int(seconds) else f"{seconds:.3f}s"


VIEWS = ("VIEW_UNSPECIFIED", "BASIC", "FULL")
METHODS = (
    "HTTP_METHOD_UNSPECIFIED", "POST", "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"
)  # fmt: skip
STATES = ("STATE_UNSPECIFIED", "RUNNING", "PAUSED", "DISABLED")
ENUMS = {"responseView": VIEWS, "view": VIEWS, "httpMethod": METHODS, "state": STATES}
MAPS = ("headers",)


def with_names(value: Any) -> Any:
    """JSON as received, without nulls, and with an enum's name where a client sent its number."""

    def read(field: str, item: Any) -> Any:
        names = ENUMS.get(field, ())
        is_number = isinstance(item, int) and not isinstance(item, bool)
        return names[item] if is_number and 0 <= item < len(names) else item

    return _converted(value, read)


def with_numbers(value: Any) -> Any:
    """JSON to answer to a client that asked for `enum-encoding=int`."""

    def write(field: str, item: Any) -> Any:
        return ENUMS[field].index(item) if field in ENUMS else item

    return _converted(value, write)


def _converted(value: Any, convert: Callable[[str, Any], Any]) -> Any:
    if isinstance(value, list):
        return [_converted(item, convert) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        field: item if field in MAPS else convert(field, _converted(item, convert))
        for field, item in value.items()
        if item is not None
    }
