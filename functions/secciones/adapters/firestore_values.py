"""What Firestore's protocol calls a document, a value and a query, from and to the plain ones of the port.

Values are filled in as bare protocol buffers: the library's comfortable wrappers take ten times as long, and a batch
of two hundred students is written dozens of times.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from secciones.ports.documents import Document

if TYPE_CHECKING:
    from google.cloud.firestore_v1 import types

_SIMPLE_FIELD = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")


def encoded(name: str, document: Document) -> "types.Document":
    """Raises TypeError or ValueError for what no document can hold."""
    from google.cloud.firestore_v1 import types

    message = types.Document(name=name)
    fields = types.Document.pb(message).fields
    for field, value in document.items():
        _encode(value, fields[field])
    return message


def _encoded_value(value: Any) -> "types.Value":
    from google.cloud.firestore_v1 import types

    message = types.Value()
    _encode(value, types.Value.pb(message))
    return message


def _encode(value: Any, into: Any) -> None:
    match value:
        case None:
            into.null_value = 0
        case bool():
            into.boolean_value = value
        case int():
            into.integer_value = value
        case float():
            into.double_value = value
        case str():
            into.string_value = value
        case bytes():
            into.bytes_value = value
        case datetime() if value.tzinfo is None:
            raise ValueError("a document holds aware datetimes")  # the library would take it for UTC
        case datetime():
            into.timestamp_value.FromDatetime(value)
        case list():
            into.array_value.SetInParent()
            for item in value:
                _encode(item, into.array_value.values.add())
        case dict():
            into.map_value.SetInParent()
            for key, item in value.items():
                _encode(item, into.map_value.fields[key])
        case _:
            raise TypeError(f"a document cannot hold this {type(value).__name__}")


def decoded(document: "types.Document") -> Document:
    from google.cloud.firestore_v1 import types

    return {field: _decode(value) for field, value in types.Document.pb(document).fields.items()}


def _decode(value: Any) -> Any:
    kind = value.WhichOneof("value_type")
    match kind:
        case "null_value":
            return None
        case "timestamp_value":
            return value.timestamp_value.ToDatetime(tzinfo=UTC)
        case "array_value":
            return [_decode(item) for item in value.array_value.values]
        case "map_value":
            return {key: _decode(item) for key, item in value.map_value.fields.items()}
        case _:
            return getattr(value, kind)


def structured_query(
    collection: str, where: Mapping[str, str | int | bool], order_by: str, limit: int, descending: bool
) -> "types.StructuredQuery":
    """Ties are in the order of ids, so that `cursor_after` names one place."""
    from google.cloud.firestore_v1 import types

    filters: list[dict[str, Any]] = [
        {"field_filter": {"field": _field(name), "op": "EQUAL", "value": _encoded_value(value)}}
        for name, value in where.items()
    ]
    filters.append({"unary_filter": {"field": _field(order_by), "op": "IS_NOT_NULL"}})
    direction = "DESCENDING" if descending else "ASCENDING"
    return types.StructuredQuery(
        from_=[{"collection_id": collection}],
        where={"composite_filter": {"op": "AND", "filters": filters}},
        order_by=[{"field": field, "direction": direction} for field in (_field(order_by), {"field_path": "__name__"})],
        limit=limit,
    )


def cursor_after(document: "types.Document", order_by: str) -> "types.Cursor":
    """The place just behind this document in such a query's results."""
    from google.cloud.firestore_v1 import types

    place = [document.fields[order_by], types.Value(reference_value=document.name)]
    return types.Cursor(values=place, before=False)


def cursor_after_value(value: str | int | datetime) -> "types.Cursor":
    """The place just behind all documents with this value in the field of the order."""
    from google.cloud.firestore_v1 import types

    return types.Cursor(values=[_encoded_value(value)], before=False)


def _field(name: str) -> dict[str, str]:
    quoted = name.replace("\\", "\\\\").replace("`", "\\`")
    return {"field_path": name if _SIMPLE_FIELD.fullmatch(name) else f"`{quoted}`"}
