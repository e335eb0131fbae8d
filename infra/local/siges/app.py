"""The HTTP side of the stand-in: what a careful service answers, right or wrong request alike.

It hands rows on as they are stored. It never logs a body, so that no DUI or NIP is ever in its output.
"""

import hmac
import json
import re
import time
import traceback
from typing import Any

from flask import Flask, Response, current_app, jsonify, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import HTTPException

from infra.local.siges.bundle import Bundle, Row, is_open
from infra.local.siges.control import control_plane
from infra.local.siges.faults import Fault, Faults
from infra.local.siges.problems import Problem, problem_response
from infra.local.siges.registry import StoredRegistry
from secciones.domain.people import Dui, Nip
from secciones.domain.roster import Enrolment

_DIGITS = {"dui": re.compile("[0-9]{9}"), "nip": re.compile("[0-9]{7}")}


class _Json(DefaultJSONProvider):
    ensure_ascii = False
    sort_keys = False


def create_app(registry: StoredRegistry, token: str) -> Flask:
    """The stand-in over a registry, for callers that hold the token."""
    app = Flask(__name__)
    app.json = _Json(app)
    faults = Faults()
    app.register_blueprint(control_plane(registry, faults))
    app.register_error_handler(Exception, _error_response)
    _add_guards(app, faults, token)
    _add_routes(app, registry)
    return app


def _add_guards(app: Flask, faults: Faults, token: str) -> None:
    @app.before_request
    def guard() -> None:
        if not request.path.startswith("/v1/"):
            return
        if not _has_token(token):
            raise Problem(401, detail="a bearer token is needed", headers={"WWW-Authenticate": 'Bearer realm="SIGES"'})
        _suffer(faults.take(request.endpoint or "none"))

    @app.get("/healthz")
    def health() -> Response:
        return jsonify(status="ok")


def _add_routes(app: Flask, registry: StoredRegistry) -> None:
    @app.post("/v1/teachers/verification", endpoint="verifyTeacher")
    def verify() -> Response:
        dui, nip = _verification()
        teacher = registry.bundle.teacher_with(dui, nip)
        if teacher is None:
            raise Problem(404, "teacher_not_found")
        return jsonify(_teacher_json(teacher))

    @app.get("/v1/teachers/<teacher_id>/schools", endpoint="listTeacherSchools")
    def schools(teacher_id: str) -> Response:
        bundle = registry.bundle
        if bundle.teacher(teacher_id) is None:
            raise Problem(404, "teacher_not_found")
        return jsonify(schoolYear=bundle.school_year, schools=_schools_json(bundle, teacher_id))

    @app.get("/v1/teachers/<teacher_id>/sections/<section_id>/students", endpoint="listSectionStudents")
    def students(teacher_id: str, section_id: str) -> Response:
        bundle = registry.bundle
        section = next((row for row in bundle.classes_of(teacher_id) if row["sourcedId"] == section_id), None)
        if section is None or bundle.teacher(teacher_id) is None:
            raise Problem(404, "section_not_found")
        return jsonify(
            schoolYear=bundle.school_year,
            school=_school_json(bundle.school_of(section)),
            section=_section_json(bundle, section),
            students=[_student_json(row, state) for row, state in bundle.enrolments_in(section)],
        )


def _has_token(token: str) -> bool:
    scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(sent.encode(), token.encode())


def _suffer(fault: Fault) -> None:
    time.sleep(fault.delay)
    if fault.status is not None:
        asks_to_wait = fault.status in (429, 503)
        raise Problem(fault.status, headers={"Retry-After": str(fault.retry_after)} if asks_to_wait else None)


def _error_response(error: Exception) -> Response:
    if isinstance(error, Problem):
        return problem_response(error)
    if isinstance(error, HTTPException):
        headers = {"Allow": ", ".join(error.valid_methods or ())} if error.code == 405 else {}  # type: ignore[attr-defined]
        return problem_response(Problem(error.code or 500, headers=headers))
    # Where it happened, without the message: that could repeat what was sent.
    where = "".join(traceback.format_tb(error.__traceback__))
    current_app.logger.error("%s\n%s", type(error).__name__, where)
    return problem_response(Problem(500))


def _verification() -> tuple[Dui, Nip]:
    if request.mimetype != "application/json":
        raise Problem(415)
    try:
        body = json.loads(request.get_data())
    except (ValueError, RecursionError) as error:
        raise Problem(400, detail="the body is not JSON") from error
    if not isinstance(body, dict) or body.keys() != _DIGITS.keys():
        raise Problem(422, detail="dui and nip are expected, and nothing else")
    for name, digits in _DIGITS.items():
        if not isinstance(body[name], str) or not digits.fullmatch(body[name]):
            raise Problem(422, detail=f"{name} must match ^{digits.pattern}$")
    return Dui(body["dui"]), Nip(body["nip"])


def _teacher_json(row: Row) -> dict[str, Any]:
    return {
        "id": row["sourcedId"],
        "givenNames": row["givenName"],
        "surnames": row["familyName"],
        "email": row["email"] or None,
    }


def _schools_json(bundle: Bundle, teacher_id: str) -> list[dict[str, Any]]:
    schools: dict[str, dict[str, Any]] = {}
    for section in bundle.classes_of(teacher_id):
        school = _school_json(bundle.school_of(section)) | {"sections": []}
        schools.setdefault(school["id"], school)["sections"].append(_section_json(bundle, section))
    return list(schools.values())


def _school_json(row: Row) -> dict[str, Any]:
    return {
        "id": row["sourcedId"],
        "code": row["identifier"],
        "name": row["name"],
        "department": row.get("metadata.sv.departamento", ""),
        "municipality": row.get("metadata.sv.municipio", ""),
    }


def _section_json(bundle: Bundle, row: Row) -> dict[str, Any]:
    return {
        "id": row["sourcedId"],
        "code": row["classCode"],
        "name": row["title"],
        "grade": bundle.grade_of(row),
        "shift": row.get("metadata.sv.jornada", ""),
        "state": "open" if is_open(row) else "closed",
        "studentCount": bundle.student_count(row),
    }


def _student_json(row: Row, state: Enrolment) -> dict[str, Any]:
    return {
        "id": row["sourcedId"],
        "nie": row["identifier"],
        "givenNames": row["givenName"],
        "surnames": row["familyName"],
        "email": row["email"] or None,
        "enrolment": state.value,
    }
