"""The client of SIGES, the ministry's registry; its contract is infra/siges-openapi.yaml.

Nothing that SIGES answers is taken on trust: an answer that breaks the contract is a registry that is not available.
"""

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import DecodeError, HTTPError, ReadTimeoutError

from secciones.adapters.http_pool import connections
from secciones.domain.errors import NotAssigned, RegistryUnavailable
from secciones.domain.people import Dui, Nip, Teacher, clean_name
from secciones.domain.records import class_list, student_of, teacher_of
from secciones.domain.roster import Enrolment, Roster, School, Section, Student

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_STATES = {"open": True, "closed": False}
_READ_TRIES = 3
_VERIFICATION_TRIES = 2  # the registry may count attempts
_PASSING = frozenset({429, 502, 503, 504})
_FIRST_BACKOFF = 0.25  # seconds, at most
_LONGEST_WAIT = 2.0  # of a person before a page


class SigesRegistry:
    """The registry port over HTTP.

    Threads may share an instance. `timeout` is in seconds, for connecting and again for each wait for the answer.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        timeout: float = 5.0,
        *,
        random: Callable[[], float],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._base_path = urlsplit(base_url).path.rstrip("/")
        self._connections = connections(base_url, timeout)
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json, application/problem+json",
            "Accept-Encoding": "gzip",
        }
        self._random = random
        self._sleep = sleep

    def verify_teacher(self, dui: Dui, nip: Nip) -> Teacher | None:
        numbers = {"dui": dui.digits, "nip": nip.digits}
        response = self._send("POST", "/v1/teachers/verification", numbers, _VERIFICATION_TRIES, passing=frozenset())
        if _code(response) == "teacher_not_found":
            return None
        return _teacher(_body(response))

    def schools(self, teacher_id: str) -> tuple[School, ...]:
        response = self._get(f"/v1/teachers/{_own_id(teacher_id)}/schools")
        if _code(response) == "teacher_not_found":
            raise NotAssigned
        return tuple(_school(school, _objects(school, "sections")) for school in _objects(_body(response), "schools"))

    def roster(self, teacher_id: str, section_id: str) -> Roster:
        response = self._get(f"/v1/teachers/{_own_id(teacher_id)}/sections/{_own_id(section_id)}/students")
        if _code(response) == "section_not_found":
            raise NotAssigned
        body = _body(response)
        section = _section(_object(body, "section"))
        if section.id != section_id:
            raise RegistryUnavailable("SIGES answered with another section")
        students = [_student(student) for student in _objects(body, "students")]
        return Roster(_school(_object(body, "school")), section, class_list(students))

    def _get(self, path: str) -> BaseHTTPResponse:
        return self._send("GET", path, None, _READ_TRIES, _PASSING)

    def _send(
        self, method: str, path: str, body: Mapping[str, str] | None, tries: int, passing: frozenset[int]
    ) -> BaseHTTPResponse:
        """The first answer whose status is not `passing`, or the last one when no try is left or worth its wait."""
        for retry in range(tries - 1):
            wait = self._random() * _FIRST_BACKOFF * 2**retry  # full jitter
            try:
                response = self._send_once(method, path, body)
            except _NoAnswer:
                pass
            else:
                wait = _asked_wait(response, wait)
                if response.status not in passing or wait > _LONGEST_WAIT:
                    return response
            self._sleep(wait)
        return self._send_once(method, path, body)

    def _send_once(self, method: str, path: str, body: Mapping[str, str] | None) -> BaseHTTPResponse:
        try:
            return self._connections.request(method, self._base_path + path, json=body, headers=self._headers)
        except (ReadTimeoutError, DecodeError) as error:
            raise RegistryUnavailable(f"SIGES does not answer: {type(error).__name__}") from error
        except HTTPError as error:
            raise _NoAnswer(f"SIGES does not answer: {type(error).__name__}") from error


class _NoAnswer(RegistryUnavailable):
    """The connection failed before an answer was whole, so that asking again may help."""


def _asked_wait(response: BaseHTTPResponse, otherwise: float) -> float:
    asked = response.headers.get("Retry-After", "").strip()
    return float(asked) if re.fullmatch(r"[0-9]{1,9}", asked) else otherwise


def _own_id(value: str) -> str:
    """An id as a piece of a path; what cannot be one is nobody's section."""
    if not _ID.fullmatch(value):
        raise NotAssigned
    return value


def _code(response: BaseHTTPResponse) -> str | None:
    """The code of a 404's problem; None for every other status."""
    if response.status != 404:
        return None
    return _text(_json(response), "code")


def _body(response: BaseHTTPResponse) -> Mapping[str, Any]:
    if response.status != 200:
        raise RegistryUnavailable(f"SIGES answered {response.status}")
    return _json(response)


def _json(response: BaseHTTPResponse) -> Mapping[str, Any]:
    try:
        body = json.loads(response.data)
    except (ValueError, RecursionError) as error:
        raise RegistryUnavailable(f"SIGES answered {response.status} without JSON") from error
    return _mapping(body, "the answer")


def _teacher(data: Mapping[str, Any]) -> Teacher:
    return teacher_of(_id(data), _text(data, "givenNames"), _text(data, "surnames"), _text_or_null(data, "email"))


def _school(data: Mapping[str, Any], sections: list[Mapping[str, Any]] | None = None) -> School:
    code, name = _text(data, "code"), _text(data, "name")
    department, municipality = _text(data, "department"), _text(data, "municipality")
    return School(
        _id(data),
        clean_name(code),
        clean_name(name),
        clean_name(department),
        clean_name(municipality),
        tuple(_section(section) for section in sections or ()),
    )


def _section(data: Mapping[str, Any]) -> Section:
    return Section(
        _id(data),
        clean_name(_text(data, "code")),
        clean_name(_text(data, "name")),
        clean_name(_text(data, "grade")),
        clean_name(_text(data, "shift")),
        _state(data),
        _count(data, "studentCount"),
    )


def _student(data: Mapping[str, Any]) -> Student:
    return student_of(
        _id(data),
        _text(data, "nie"),
        _text(data, "givenNames"),
        _text(data, "surnames"),
        _text_or_null(data, "email"),
        _enrolment(data),
    )


def _id(data: Mapping[str, Any]) -> str:
    value = _text(data, "id")
    if not _ID.fullmatch(value):
        raise _broken("id")
    return value


def _state(data: Mapping[str, Any]) -> bool:
    state = _STATES.get(_text(data, "state"))
    if state is None:
        raise _broken("state")
    return state


def _enrolment(data: Mapping[str, Any]) -> Enrolment:
    try:
        return Enrolment(_text(data, "enrolment"))
    except ValueError as error:
        raise _broken("enrolment") from error


def _count(data: Mapping[str, Any], name: str) -> int:
    value = data.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _broken(name)
    return value


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str):
        raise _broken(name)
    return value


def _text_or_null(data: Mapping[str, Any], name: str) -> str | None:
    return None if name in data and data[name] is None else _text(data, name)


def _object(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return _mapping(data.get(name), name)


def _objects(data: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = data.get(name)
    if not isinstance(value, list):
        raise _broken(name)
    return [_mapping(item, name) for item in value]


def _mapping(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _broken(name)
    return value


def _broken(name: str) -> RegistryUnavailable:
    return RegistryUnavailable(f"SIGES broke its contract: {name}")
