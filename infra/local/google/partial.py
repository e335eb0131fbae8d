"""Google's partial responses: `fields=nextPageToken,users(id,name/fullName)`."""

from __future__ import annotations

import re
from typing import Any

from infra.local.google.errors import ApiError

Tree = dict[str, Any]  # a name to the tree below it; an empty tree takes everything
TOKEN = re.compile(r"[\w*]+|[,/()]")


def parse(text: str) -> Tree:
    """Raises ApiError (400 invalidParameter) for what is no selection."""
    tokens = TOKEN.findall(text)
    if "".join(tokens) != text:
        raise invalid_selection(text)
    try:
        tree = _list(tokens)
    except IndexError:
        raise invalid_selection(text) from None
    if tokens:
        raise invalid_selection(text)
    return tree


def select(value: Any, tree: Tree) -> Any:
    if not tree:
        return value
    if isinstance(value, list):
        return [select(item, tree) for item in value]
    if not isinstance(value, dict):
        return value
    chosen = {name: tree.get(name, tree.get("*")) for name in value}
    return {name: select(value[name], below) for name, below in chosen.items() if below is not None}


def invalid_selection(text: str) -> ApiError:
    place = {"location": "fields", "locationType": "parameter"}
    return ApiError(400, f"Invalid field selection {text}", "invalidParameter", extra=place)


def _list(tokens: list[str]) -> Tree:
    tree: Tree = {}
    while True:
        name, below = _selection(tokens)
        tree[name] = {**tree.get(name, {}), **below}
        if not tokens or tokens[0] != ",":
            return tree
        tokens.pop(0)


def _selection(tokens: list[str]) -> tuple[str, Tree]:
    name = tokens.pop(0)
    if name in ",/()":
        raise IndexError
    if tokens[:1] == ["/"]:
        tokens.pop(0)
        inner, below = _selection(tokens)
        return name, {inner: below}
    if tokens[:1] == ["("]:
        tokens.pop(0)
        below = _list(tokens)
        if tokens.pop(0) != ")":
            raise IndexError
        return name, below
    return name, {}
