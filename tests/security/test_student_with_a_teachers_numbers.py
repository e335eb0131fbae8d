"""Threat: a student has read a teacher's DUI and NIP somewhere. Guard: whoever is not in the teachers' unit is turned
away before there is a form, whatever they send.

Take `is_within` out of complete_sign_in (`services/sign_in.py`), or a step out of a route, and a test here turns red.
"""

from typing import Any

import pytest

from secciones.web.pages import reset, sections, verify
from secciones.web.routes import Route
from tests.support.google_pages import control
from tests.support.stack import Stack
from tests.support.visitor import Visitor

pytestmark = pytest.mark.usefixtures("nothing_changes")
UNITS = ["/Estudiantes/99101", "/Docentes-x", "/Estudiantes/Docentes"]
BEHIND: list[Route[Any]] = [*verify.ROUTES, *sections.ROUTES, *reset.ROUTES]


@pytest.fixture(scope="module", params=UNITS)
def student(stack: Stack, request: pytest.FixtureRequest) -> dict[str, str]:
    """An account that no other test resets: a student's, or one of a unit that only looks like the teachers'."""
    number = UNITS.index(request.param)
    person = {"address": f"curiosa{number}@clases.edu.sv", "password": "la-clave-de-siempre"}
    account = {"givenName": "Luz", "familyName": "Peña", "orgUnitPath": request.param, "agreedToTerms": True}
    control("POST", f"{stack.google}/_control/accounts", person | account)
    return person


def test_a_student_gets_no_session_and_no_form(stack: Stack, student: dict[str, str]) -> None:
    visitor = Visitor(stack.origin)
    refused = visitor.sign_in(student["address"], student["password"])
    assert refused.status == 403
    assert not visitor.cookie()
    assert refused.page.find(".//form[@action='/secciones/identidad']") is None


@pytest.mark.parametrize("route", BEHIND, ids=lambda route: f"{route.method} {route.path}")
def test_a_student_reaches_nothing_with_the_right_numbers(
    stack: Stack, student: dict[str, str], route: Route[object]
) -> None:
    teacher = stack.person("marta")
    visitor = Visitor(stack.origin)
    visitor.sign_in(student["address"], student["password"])
    path = route.path.replace("<", "").replace(">", "")
    numbers = {"dui": teacher["dui"], "nip": teacher["nip"], "csrf_token": "x"}
    answer = visitor.post(path, numbers) if route.method == "POST" else visitor.get(path)
    assert answer.status == 401


def test_a_teacher_who_has_not_shown_numbers_reaches_nothing_but_the_form(stack: Stack) -> None:
    teacher = stack.person("karla")
    visitor = Visitor(stack.origin)
    identity = visitor.sign_in(teacher["address"], teacher["password"])
    token = identity.form("/secciones/identidad").find(".//input[@name='csrf_token']")
    assert token is not None
    routes: list[Route[Any]] = [*sections.ROUTES, *reset.ROUTES]
    for route in routes:
        path = route.path.replace("<", "").replace(">", "")
        form = {"csrf_token": token.get("value", "")}
        answer = visitor.post(path, form) if route.method == "POST" else visitor.get(path)
        assert answer.path == "/secciones/identidad"
