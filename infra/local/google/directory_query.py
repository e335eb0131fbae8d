"""The search language of `users.list`: clauses such as orgUnitPath='/Estudiantes' isSuspended=false."""

from __future__ import annotations

import re
from collections.abc import Callable

from infra.local.google.accounts import Account
from infra.local.google.errors import invalid

CLAUSE = re.compile(
    r"""\s*(?:(?P<field>\w+)(?P<operator>[=:]))?(?:'(?P<single>(?:[^'\\]|\\.)*)'|"(?P<double>[^"]*)"|(?P<bare>[^\s'"]+))(?=\s|$)"""
)
Test = Callable[[Account], bool]

TEXTS: dict[str, Callable[[Account], list[str]]] = {
    "email": lambda account: [account.address, *account.aliases],
    "givenName": lambda account: [account.given_name],
    "familyName": lambda account: [account.family_name],
    "name": lambda account: [account.name],
}
FLAGS: dict[str, Callable[[Account], bool]] = {
    "isAdmin": lambda account: account.is_admin,
    "isDelegatedAdmin": lambda account: account.is_delegated_admin,
    "isSuspended": lambda account: account.suspended,
    "isArchived": lambda account: account.archived,
    "changePasswordAtNextLogin": lambda account: account.must_change_password,
}


def parse_query(text: str) -> Test:
    """The test that all clauses together make; raises ApiError (400 invalid)."""
    tests = []
    position, text = 0, text.rstrip()
    while position < len(text):
        match = CLAUSE.match(text, position)
        if match is None:
            raise invalid("Invalid Input: query")
        tests.append(_clause(match))
        position = match.end()
    return lambda account: all(test(account) for test in tests)


def _clause(match: re.Match[str]) -> Test:
    quoted = match["single"]
    value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else match["double"]
    value = match["bare"] if value is None else value
    field, exact = match["field"], match["operator"] == "="
    if field is None:
        return lambda account: any(_contains(texts(account), value) for texts in TEXTS.values())
    if field == "orgUnitPath" and exact:
        return lambda account: is_within(account.org_unit, value)
    if field in FLAGS and exact and value.lower() in ("true", "false"):
        flag = FLAGS[field]
        return lambda account: flag(account) == (value.lower() == "true")
    if field in TEXTS:
        texts = TEXTS[field]
        if exact:
            return lambda account: value.lower() in (text.lower() for text in texts(account))
        return lambda account: _contains(texts(account), value)
    raise invalid("Invalid Input: query")


def is_within(unit: str, top: str) -> bool:
    """Whether an organisational unit is `top` or lies below it."""
    unit, top = unit.lower(), top.lower().rstrip("/")
    return unit == top or unit.startswith(f"{top}/")


def _contains(texts: list[str], value: str) -> bool:
    value = value.lower()
    if value.endswith("*"):
        return any(word.startswith(value[:-1]) for text in texts for word in [text.lower(), *text.lower().split()])
    return any(value in text.lower() for text in texts)
