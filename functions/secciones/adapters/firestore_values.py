"""What Firestore's REST interface calls a document, a value and a query, from and to the plain ones of the port."""

import base64
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from secciones.ports.documents import Document

Json = dict[str, Any]

_SIMPLE_FIELD = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_INTEGERS = range(-(2**63), 2**63)


def encoded(name: str, document: Document) -> Json:
    """Raises TypeError or ValueError for what no document can hold."""
    return {"name": name, "fields": _fields(document)}


def _fields(document: Mapping[str, Any]) -> Json:
    return {field: _encoded(value) for field, value in document.items()}


def _encoded(value: Any) -> Json:
    match value:
        case None:
            return {"nullValue": None}
        case bool():
            return {"booleanValue": value}
        case int() if value in _INTEGERS:
            return {"integerValue": str(value)}
        case float():
            return {"doubleValue": value}
        case str():
            return {"stringValue": value}
        case bytes():
            return {"bytesValue": base64.b64encode(value).decode()}
        case datetime():
            return {"timestampValue": timestamp(value)}
        case list():
            return {"arrayValue": {"values": [_encoded(item) for item in value]}}
        case dict():
            return {"mapValue": {"fields": _fields(value)}}
        case int():
            raise ValueError("a document holds integers of 64 bits")
        case _:
            raise TypeError(f"a document cannot hold this {type(value).__name__}")


def timestamp(moment: datetime) -> str:
    """A moment as Firestore writes it. Raises ValueError for one without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a document holds aware datetimes")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def decoded(document: Json) -> Document:
    """The fields of a document as it was read."""
    return {field: _decoded(value) for field, value in document.get("fields", {}).items()}


def _decoded(value: Json) -> Any:
    ((kind, held),) = value.items()
    match kind:
        case "integerValue":
            return int(held)
        case "doubleValue":
            return float(held)
        case "bytesValue":
            return base64.b64decode(held)
        case "timestampValue":
            return datetime.fromisoformat(held).astimezone(UTC)
        case "arrayValue":
            return [_decoded(item) for item in held.get("values", [])]
        case "mapValue":
            return decoded(held)
        case _:  # nullValue, booleanValue, stringValue
            return held


def structured_query(
    collection: str, where: Mapping[str, str | int | bool], order_by: str, limit: int, descending: bool
) -> Json:
    """Ties are in the order of ids, so that `cursor_after` names one place."""
    filters: list[Json] = [
        {"fieldFilter": {"field": _field(name), "op": "EQUAL", "value": _encoded(value)}}
        for name, value in where.items()
    ]
    filters.append({"unaryFilter": {"field": _field(order_by), "op": "IS_NOT_NULL"}})
    direction = "DESCENDING" if descending else "ASCENDING"
    return {
        "from": [{"collectionId": collection}],
        "where": {"compositeFilter": {"op": "AND", "filters": filters}},
        "orderBy": [
            {"field": field, "direction": direction} for field in (_field(order_by), {"fieldPath": "__name__"})
        ],
        "limit": limit,
    }


def cursor_after(document: Json, order_by: str) -> Json:
    """The place just behind this document in such a query's results."""
    return {"values": [document["fields"][order_by], {"referenceValue": document["name"]}], "before": False}


def cursor_after_value(value: str | int | datetime) -> Json:
    """The place just behind all documents with this value in the field of the order."""
    return {"values": [_encoded(value)], "before": False}


def _field(name: str) -> Json:
    quoted = name.replace("\\", "\\\\").replace("`", "\\`")
    return {"fieldPath": name if _SIMPLE_FIELD.fullmatch(name) else f"`{quoted}`"}
