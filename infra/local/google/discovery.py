"""What Google's discovery documents say about a call, and whether a request and an answer keep to it.

The documents are those that google-api-python-client ships, so the stand-in and the real client
cannot drift apart: a parameter, a field or a type that the document does not know is refused the
way Google refuses it, and an answer of ours that breaks its schema is reported as our bug.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

INTEGERS = {
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (0, 2**64 - 1),
}
PROTO_TYPES = {"boolean": "TYPE_BOOL", "object": "TYPE_MESSAGE", "array": "TYPE_MESSAGE"}


class Violation(Exception):
    """A value that the document does not allow; `message` in Google's words, `field` its path."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


@dataclass(frozen=True)
class Method:
    id: str
    verb: str
    pattern: re.Pattern[str]
    parameters: Mapping[str, Mapping[str, Any]]
    request: str | None
    response: str | None  # None where success has nothing to say
    scopes: frozenset[str]
    is_upload: bool = False


class Document:
    """`slashed` names the parameters that stand encoded in a path and, decoded, may have slashes."""

    def __init__(self, file: str, slashed: frozenset[str] = frozenset()) -> None:
        found = importlib.util.find_spec("googleapiclient")
        if found is None or found.origin is None:
            raise RuntimeError("google-api-python-client is not installed")
        folder = Path(found.origin).parent / "discovery_cache" / "documents"
        self._slashed = slashed
        self._json: dict[str, Any] = json.loads((folder / file).read_text(encoding="utf-8"))

    @cached_property
    def root_url(self) -> str:
        return str(self._json["rootUrl"])

    def method(self, method_id: str) -> Method:
        """Its `id` in the document, such as directory.users.get; raises KeyError."""
        raw = self._raw_method(method_id)
        return self._method(raw, self._json["servicePath"] + raw["path"], is_upload=False)

    def upload(self, method_id: str) -> Method:
        """The same call by its media form, under /upload."""
        raw = self._raw_method(method_id)
        return self._method(raw, raw["mediaUpload"]["protocols"]["simple"]["path"], is_upload=True)

    def check_body(self, schema: str, value: object, root: str) -> None:
        """Raises Violation. `root` is what Google calls the whole body in its messages."""
        self._check({"$ref": schema}, value, root, strict=False)

    def check_answer(self, schema: str | None, value: object) -> None:
        """Raises Violation when an answer of ours is not of this schema."""
        if schema is None:
            raise Violation("The answer must be empty.", "")
        self._check({"$ref": schema}, value, schema, strict=True)

    def unknown_field(self, schema: str, tree: Mapping[str, Any]) -> str | None:
        """The first name in a selection of fields that the schema does not have."""
        return self._unknown({"$ref": schema}, tree)

    def _unknown(self, schema: Mapping[str, Any], tree: Mapping[str, Any]) -> str | None:
        while "$ref" in schema or schema.get("type") == "array":
            schema = schema.get("items") or self._json["schemas"][schema["$ref"]]
        if schema.get("type") != "object":
            return None
        for name, below in tree.items():
            inner = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
            if name != "*":
                found = name if inner is None else self._unknown(inner, below)
                if found:
                    return found
        return None

    def _raw_method(self, method_id: str) -> dict[str, Any]:
        *resources, name = method_id.split(".")[1:]
        place = self._json
        for resource in resources:
            place = place["resources"][resource]
        found: dict[str, Any] = place["methods"][name]
        return found

    def _method(self, raw: dict[str, Any], path: str, *, is_upload: bool) -> Method:
        return Method(
            id=raw["id"],
            verb=raw["httpMethod"],
            pattern=_path_pattern(path, raw["parameters"], self._slashed),
            parameters={**self._json["parameters"], **raw["parameters"]},
            request=raw.get("request", {}).get("$ref"),
            response=raw.get("response", {}).get("$ref"),
            scopes=frozenset(raw.get("scopes", ())),
            is_upload=is_upload,
        )

    def _check(self, schema: Mapping[str, Any], value: object, at: str, *, strict: bool) -> None:
        if "$ref" in schema:
            schema = self._json["schemas"][schema["$ref"]]
        if value is None and not strict:
            return  # a field set to null is a field to be cleared
        kind = schema.get("type", "any")
        if kind == "object":
            self._check_object(schema, value, at, strict=strict)
        elif kind == "array":
            if not isinstance(value, list):
                raise _invalid(at, kind, value)
            for index, item in enumerate(value):
                self._check(schema["items"], item, f"{at}[{index}]", strict=strict)
        elif not _is_scalar(schema, value, strict=strict):
            raise _invalid(at, kind, value)

    def _check_object(self, schema: Mapping[str, Any], value: object, at: str, *, strict: bool) -> None:
        if not isinstance(value, dict):
            raise _invalid(at, "object", value)
        properties = schema.get("properties", {})
        for name, item in value.items():
            inner = properties.get(name, schema.get("additionalProperties"))
            if inner is None:
                place = f" at '{at}'" if at else ""
                raise Violation(f'Invalid JSON payload received. Unknown name "{name}"{place}: Cannot find field.', at)
            self._check(inner, item, f"{at}.{name}" if at else name, strict=strict)


def check_parameters(method: Method, given: Mapping[str, list[str]]) -> dict[str, Any]:
    """The parameters in their types, defaults filled in; raises Violation."""
    for name in given:
        if name not in method.parameters:
            raise Violation(
                f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter.'
                f" Field '{name}' could not be found in request message.", name,
            )  # fmt: skip
    values: dict[str, Any] = {}
    for name, schema in method.parameters.items():
        texts = given.get(name, [])
        if schema.get("repeated"):
            values[name] = [_parameter(name, schema, text) for text in texts]
        elif texts:
            values[name] = _parameter(name, schema, texts[-1])
        elif schema.get("required"):
            raise Violation(f"Missing required field: {name}", name)
        elif "default" in schema:
            values[name] = _parameter(name, schema, schema["default"])
    return values


def _parameter(name: str, schema: Mapping[str, Any], text: str) -> Any:
    kind = schema["type"]
    if kind == "boolean":
        if text.lower() not in ("true", "false"):
            raise _invalid(name, kind, text)
        return text.lower() == "true"
    if kind == "integer":
        low, high = INTEGERS[schema.get("format", "int32")]
        low, high = int(schema.get("minimum", low)), int(schema.get("maximum", high))
        if not re.fullmatch(r"-?\d{1,20}", text) or not low <= int(text) <= high:
            raise _invalid(name, kind, text)
        return int(text)
    if text not in schema.get("enum", [text]) or not re.search(schema.get("pattern", ""), text):
        raise _invalid(name, kind, text)
    return text


def _is_scalar(schema: Mapping[str, Any], value: object, *, strict: bool) -> bool:
    kind, form = schema.get("type", "any"), schema.get("format", "")
    if kind == "any":
        return True
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "integer" or (kind == "string" and form in INTEGERS and not strict):
        return _is_integer(value, form or "int32", as_text=kind == "string")
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if not isinstance(value, str):
        return False
    if value not in schema.get("enum", [value]):
        return False
    return _has_format(value, form)


def _is_integer(value: object, form: str, *, as_text: bool) -> bool:
    if as_text and isinstance(value, str) and re.fullmatch(r"-?\d{1,20}", value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    low, high = INTEGERS[form]
    return low <= value <= high


def _has_format(value: str, form: str) -> bool:
    if form in INTEGERS:
        return _is_integer(value, form, as_text=True)
    if form == "byte":
        return decode_bytes(value) is not None
    if form in ("date-time", "google-datetime"):
        return _is_time(value)
    return True


def decode_bytes(text: str) -> bytes | None:
    """Base64 in either alphabet, padded or not, as Google reads it; None when it is neither."""
    plain = text.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except ValueError:
        return None


def _is_time(value: str) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _invalid(at: str, kind: str, value: object) -> Violation:
    proto = PROTO_TYPES.get(kind, f"TYPE_{kind.upper()}")
    return Violation(f"Invalid value at '{at}' ({proto}), {json.dumps(value)}", at)


def _path_pattern(path: str, parameters: Mapping[str, Mapping[str, Any]], slashed: frozenset[str]) -> re.Pattern[str]:
    def group(match: re.Match[str]) -> str:
        name = match[1].lstrip("+")
        inner = parameters[name].get("pattern", "^.+$" if match[1][0] == "+" or name in slashed else "^[^/]+$")
        return f"(?P<{name}>{inner.removeprefix('^').removesuffix('$')})"

    return re.compile("/" + re.sub(r"\{(\+?\w+)\}", group, _escaped(path)).lstrip("/"))


def _escaped(path: str) -> str:
    return re.sub(r"[.:]", lambda match: "\\" + match[0], path)
