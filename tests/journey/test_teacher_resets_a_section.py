"""The whole journey over HTTP: staged functions as processes, every stand-in, the state in the Firestore emulator."""

import csv
import io
import re

import pytest

from tests.support.google_pages import (
    changes,
    choose_password,
    letters,
    mails,
    sign_in_as_student,
    sign_in_by_code,
    wait_for,
)
from tests.support.html import text_of
from tests.support.slips import codes_of
from tests.support.stack import Stack
from tests.support.visitor import Visit, Visitor, open_section

PASSWORD = re.compile(r"[a-z]{4,5}-[a-z]{4,5}-[2-9]{6}")


@pytest.fixture(scope="module")
def stack(stack_on_firestore: Stack) -> Stack:
    return stack_on_firestore


def process_all(visitor: Visitor, section: Visit) -> Visit:
    """Tick everyone, press *Procesar*, confirm, and wait for the result."""
    confirmation = visitor.submit(section, "/secciones/restablecer")
    assert confirmation.status == 200
    shown = visitor.submit(confirmation, "/secciones/restablecer")
    return finished(visitor, shown)


def finished(visitor: Visitor, shown: Visit) -> Visit:
    assert shown.path.startswith("/secciones/resultado/")

    def ended() -> bool:
        answer = visitor.session.get(f"{visitor.origin}{shown.path}/estado", timeout=30).json()
        return bool(answer["finished"])

    wait_for("the batch to end", ended, 60)
    return visitor.get(shown.path)


def boxes(section: Visit) -> list[str]:
    form = section.form("/secciones/restablecer")
    return [box.get("value", "") for box in form.iter("input") if box.get("name") == "student"]


def test_after_a_reset_the_old_password_does_not_work_and_others_keep_theirs(stack: Stack) -> None:
    students = [person for person in stack.people if person["role"] == "estudiante"]
    reset, other = students[0], students[1]
    assert sign_in_as_student(stack.google, reset["address"], reset["password"]).heading.startswith("Ha ingresado")

    visitor, section = _section_of(stack, reset["address"])
    box = next(
        row.find(".//input").get("value", "")  # type: ignore[union-attr]
        for row in section.form("/secciones/restablecer").iter("tr")
        if reset["address"] in text_of(row)
    )
    confirmation = visitor.submit(section, "/secciones/restablecer", ticked={box})
    finished(visitor, visitor.submit(confirmation, "/secciones/restablecer"))

    assert "incorrecta" in sign_in_as_student(stack.google, reset["address"], reset["password"]).text
    assert sign_in_as_student(stack.google, other["address"], other["password"]).heading.startswith("Ha ingresado")
    assert set(changes(stack.google)[-1]["changes"]) == {"password", "changePasswordAtNextLogin"}


def test_a_teacher_walks_the_nine_steps_and_a_student_signs_in_with_what_the_mail_says(stack: Stack) -> None:
    teacher = stack.teachers[0]
    visitor = Visitor(stack.origin)
    received = len(letters(stack.google, teacher["address"]))

    identity = visitor.sign_in(teacher["address"], teacher["password"])
    assert identity.path == "/secciones/identidad", identity.text
    assert "Estimado" in identity.text
    assert "Toda la información ingresada es monitoreada" in identity.text

    schools = visitor.verify(identity, teacher["dui"].replace("-", ""), teacher["nip"].lstrip("0"))
    assert schools.path == "/secciones/centros"
    section = open_section(visitor, schools)
    students = boxes(section)
    assert len(students) > 1

    confirmation = visitor.submit(section, "/secciones/restablecer")
    assert len(letters(stack.google, teacher["address"])) == received, "nothing is done before it is confirmed"

    result = finished(visitor, visitor.submit(confirmation, "/secciones/restablecer"))
    assert result.heading == "Resultado del proceso"
    assert f"Los datos de ingreso fueron enviados al correo {teacher['address']}" in result.text

    letter, *earlier = letters(stack.google, teacher["address"])
    assert len(earlier) == received
    rows = list(csv.DictReader(io.StringIO(letter.attachments["cuentas.csv"].decode("utf-8-sig"))))
    # Who cannot be reset is known by then, if the mirror or a look has told.
    promised = next(int(word) for word in confirmation.heading.split() if word.isdigit())
    assert len(rows) <= promised <= len(students)
    left_out = list(csv.DictReader(io.StringIO(letter.attachments["no-encontradas.csv"].decode("utf-8-sig"))))
    assert len(rows) + len(left_out) == len(students)
    passwords = {row["Cuenta"]: row["Contraseña temporal"] for row in rows}
    assert all(PASSWORD.fullmatch(password) for password in passwords.values())
    assert len(set(passwords.values())) == len(passwords)
    assert all(password in letter.text and password in letter.html for password in passwords.values())
    codes = codes_of(letter.attachments["tarjetas.pdf"])
    assert sorted(codes) == sorted(f"{stack.google}/AddSession?Email={address}" for address in passwords)

    address, password = next(iter(passwords.items()))
    demanded = sign_in_by_code(f"{stack.google}/AddSession?Email={address}", password)
    assert demanded.heading == "Cambie su contraseña"
    signed_in = choose_password(stack.google, demanded, "mi-clave-nueva-77")
    assert signed_in.heading.startswith("Ha ingresado como")
    again = sign_in_as_student(stack.google, address, password)
    assert "Contraseña incorrecta" in again.text, "the temporary password is spent"


def test_a_double_click_and_a_back_button_make_one_batch_and_one_mail(stack: Stack) -> None:
    teacher = stack.teachers[1]
    visitor = Visitor(stack.origin)
    received = len(letters(stack.google, teacher["address"]))
    section = open_section(visitor, visitor.enter(teacher))
    confirmation = visitor.submit(section, "/secciones/restablecer", ticked=set(boxes(section)[:2]))
    first = visitor.submit(confirmation, "/secciones/restablecer")
    second = visitor.submit(confirmation, "/secciones/restablecer")
    assert first.path == second.path
    finished(visitor, first)

    other_choice = visitor.submit(section, "/secciones/restablecer", ticked=set(boxes(section)[2:4]))
    refused = visitor.submit(other_choice, "/secciones/restablecer")
    assert refused.status == 409
    assert first.path in refused.html
    assert len(letters(stack.google, teacher["address"])) == received + 1


def test_every_kind_of_account_that_must_not_be_changed_is_told_with_its_reason(stack: Stack) -> None:
    """All sections of all teachers: nobody but students is ever changed, and everyone else is named in a mail."""
    for teacher in stack.teachers:
        visitor = Visitor(stack.origin)
        schools = visitor.enter(teacher)
        if "sin secciones" in teacher["note"]:
            assert "SIGES" in schools.text
            continue
        process_all(visitor, open_section(visitor, schools))
    assert all(change["method"] == "users.patch" for change in changes(stack.google))
    told = {address for mail in mails(stack.google) for address in mail["to"]}
    assert told <= {teacher["address"] for teacher in stack.teachers}


def test_sign_out_ends_the_session_everywhere(stack: Stack) -> None:
    visitor = Visitor(stack.origin)
    schools = visitor.enter(stack.teachers[0])
    cookie = visitor.cookie()
    left = visitor.submit(schools, "/secciones/salir")
    assert left.path == "/secciones/"

    thief = Visitor(stack.origin)
    thief.session.headers["Cookie"] = f"__Host-session={cookie}"
    assert thief.get("/secciones/centros").status == 401


def _section_of(stack: Stack, student: str) -> tuple[Visitor, Visit]:
    """A teacher of a student, on the page of the section."""
    for teacher in stack.teachers:
        visitor = Visitor(stack.origin)
        schools = visitor.enter(teacher)
        pages = [schools]
        if schools.path == "/secciones/centros":
            pages = [
                visitor.get(link) for link in schools.links().values() if link.count("/") == 5 and "/centros/" in link
            ]
        for page in pages:
            for link in page.links().values():
                if link.count("/") == 6 and "/centros/" in link and student in (section := visitor.get(link)).text:
                    return visitor, section
    raise AssertionError(f"no teacher has {student}")
