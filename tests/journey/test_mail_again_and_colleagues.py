"""*Reenviar*, and two teachers over one student, through staged functions with the state in the Firestore emulator."""

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from tests.journey.test_teacher_resets_a_section import boxes, finished
from tests.support.google_pages import changes, letters, sign_in_as_student, wait_for
from tests.support.html import text_of
from tests.support.stack import Stack
from tests.support.visitor import Visit, Visitor, open_section

RESEND = "Reenviar el correo"
_SHARED = "/secciones/centros/ce-99101/sec-2026-99101-007"
_ITS_TEACHERS = ("jose", "marta")


@pytest.fixture(scope="module")
def stack(stack_on_firestore: Stack) -> Stack:
    return stack_on_firestore


def section_of(stack: Stack, teacher: str) -> tuple[Visitor, Visit]:
    """One that Marta and José share, and without the students whom other journeys sign in as."""
    visitor = Visitor(stack.origin)
    schools = visitor.enter(stack.person(teacher))
    return visitor, visitor.get(_SHARED) if teacher in _ITS_TEACHERS else open_section(visitor, schools)


def ready(visitor: Visitor, section: Visit, students: set[str]) -> Visit:
    """The page that asks to confirm."""
    return visitor.submit(section, "/secciones/restablecer", ticked=students)


def passwords(stack: Stack, teacher: str) -> dict[str, str]:
    """What the newest mail to a teacher says, by account."""
    letter = letters(stack.google, stack.person(teacher)["address"])[0]
    if "cuentas.csv" not in letter.attachments:
        return {}
    rows = csv.DictReader(io.StringIO(letter.attachments["cuentas.csv"].decode("utf-8-sig")))
    return {row["Cuenta"]: row["Contraseña temporal"] for row in rows}


def test_a_mail_comes_three_times_more_always_the_same_and_then_no_more(stack: Stack) -> None:
    visitor, section = section_of(stack, "maria")
    address = stack.person("maria")["address"]
    received = len(letters(stack.google, address))
    result = finished(
        visitor, visitor.submit(ready(visitor, section, set(boxes(section)[:2])), "/secciones/restablecer")
    )
    changed = changes(stack.google)
    for number in (1, 2, 3):
        assert RESEND in result.text
        asked = visitor.submit(result, f"{result.path}/reenviar")
        assert asked.path == result.path
        result = wait_for("the page to say so", partial(page_that_says, f"se reenvió a {address}", visitor, result))
        assert len(letters(stack.google, address)) == received + 1 + number
    assert RESEND not in result.text
    assert changes(stack.google) == changed
    same = letters(stack.google, address)[: 4 if not received else -received]
    assert len({(mail.text, mail.html, tuple(sorted(mail.attachments.items()))) for mail in same}) == 1
    assert visitor.post(f"{result.path}/reenviar", [*csrf(result), ("number", "4")]).status == 409


def page_that_says(words: str, visitor: Visitor, visit: Visit) -> Visit | None:
    again = visitor.get(visit.path)
    return again if words in again.text else None


def csrf(visit: Visit) -> list[tuple[str, str]]:
    token = next(
        element.get("value", "") for element in visit.page.iter("input") if element.get("name") == "csrf_token"
    )
    return [("csrf_token", token)]


def test_the_second_teacher_of_a_student_is_told_of_the_first(stack: Stack) -> None:
    jose, his = section_of(stack, "jose")
    student = set(boxes(his)[:1])
    finished(jose, jose.submit(ready(jose, his, student), "/secciones/restablecer"))
    [(account, earlier)] = passwords(stack, "jose").items()

    marta, hers = section_of(stack, "marta")
    result = finished(marta, marta.submit(ready(marta, hers, student), "/secciones/restablecer"))
    assert "Restablecidas antes por otro docente (1)" in result.text
    assert stack.person("jose")["name"] in result.text
    letter = letters(stack.google, stack.person("marta")["address"])[0]
    assert "aquella contraseña ya no funciona" in letter.text
    assert (
        sign_in_as_student(stack.google, account, passwords(stack, "marta")[account]).heading == "Cambie su contraseña"
    )
    assert "incorrecta" in sign_in_as_student(stack.google, account, earlier).text


def test_two_teachers_at_once_are_served_one_after_the_other_and_one_is_told(stack: Stack) -> None:
    pages = {name: section_of(stack, name) for name in ("jose", "marta")}
    students = set(boxes(pages["jose"][1])[3:9])
    forms = {name: ready(visitor, section, students) for name, (visitor, section) in pages.items()}
    with ThreadPoolExecutor(2) as pool:
        shown = dict(
            zip(
                forms,
                pool.map(lambda name: pages[name][0].submit(forms[name], "/secciones/restablecer"), forms),
                strict=True,
            )
        )
    results = {name: finished(pages[name][0], page) for name, page in shown.items()}
    mails = {name: passwords(stack, name) for name in pages}
    told = {name: _told(results[name]) for name in pages}
    for account in mails["jose"] | mails["marta"]:
        holders = [name for name in pages if account in mails[name]]
        if len(holders) == 2:  # one came after the other was done, and knows it
            [last] = [name for name in holders if account in told[name]]
        else:  # one came while the other was at it, and changed nothing
            [last] = holders
            [other] = set(pages) - {last}
            assert account in told[other]
        assert sign_in_as_student(stack.google, account, mails[last][account]).heading == "Cambie su contraseña"


def _told(result: Visit) -> str:
    """What the page says of accounts that a colleague reset, with the addresses."""
    overridden = list(result.page.iterfind(".//section[@aria-labelledby='overridden']//li"))
    refused = [item for item in result.page.iter("li") if "Otro docente ya la restableció" in text_of(item)]
    return " ".join(map(text_of, overridden + refused))
