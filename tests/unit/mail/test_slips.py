"""The slips: eight a letter page, each inside its own lines, whatever the names are."""

from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from pypdf import PageObject
from reportlab.lib.pagesizes import letter
from reportlab.pdfbase.pdfmetrics import stringWidth

from secciones.domain.batches import Row
from secciones.domain.outcomes import Outcome
from tests.unit.mail.batches import NINTH_A, attachment, batch, mail_of, passwords_of, row, slips

LONGEST = (
    "Hernández-Villalobos de Menjívar Quintanilla y Portillo, María Guadalupe de los Ángeles Concepción Inmaculada"
)
WIDTH, HEIGHT = letter[0] / 2, letter[1] / 4
FACES = {"BitstreamVeraSans-Roman": "Vera", "BitstreamVeraSans-Bold": "VeraBd", "Courier-Bold": "Courier-Bold"}


def pieces(page: PageObject) -> list[tuple[str, float, float, float]]:
    """Each text of a page with where it begins, where it ends and on which height."""
    found: list[tuple[str, float, float, float]] = []

    def visit(text: str, _: Any, matrix: list[float], font: Any, size: float) -> None:
        if text.strip():
            face = FACES[font["/BaseFont"].lstrip("/").split("+")[-1]]
            line = text.strip()
            found.append((line, matrix[4], matrix[4] + stringWidth(line, face, size), matrix[5]))

    page.extract_text(visitor_text=visit)
    return found


def words_by_slip(page: PageObject) -> list[str]:
    """The text of each slip, in the order in which a person reads them."""
    texts: dict[tuple[int, int], list[str]] = {}
    for text, left, _, height in pieces(page):
        texts.setdefault((int((letter[1] - height) // HEIGHT), int(left // WIDTH)), []).append(text)
    return [" ".join(" ".join(texts[place]).split()) for place in sorted(texts)]


@pytest.mark.parametrize(("students", "pages"), [(1, 1), (8, 1), (9, 2), (60, 8), (200, 25)])
def test_eight_students_share_a_letter_page(students: int, pages: int) -> None:
    document = slips(mail_of(batch(*(row(number) for number in range(students)))))
    assert len(document.pages) == pages
    assert (document.pages[0].mediabox.width, document.pages[0].mediabox.height) == letter


def test_each_slip_has_school_section_name_account_password_and_how_to_sign_in() -> None:
    whole = batch(*(row(number) for number in range(11)))
    document = slips(mail_of(whole))
    texts = [text for page in document.pages for text in words_by_slip(page)]
    assert len(texts) == 11
    for student, text in zip(whole.rows, texts, strict=True):
        assert "Centro Escolar Colonia Los Izotes Noveno Grado, sección A, turno matutino" in text
        assert f"{student.name} Cuenta {student.address}" in text
        assert f"Contraseña temporal {passwords_of(whole)[student.account_id]} 1. Abra accounts.google.com" in text
        assert "¿El Chromebook pide la contraseña anterior? Escríbala. Si no la sabe," in text


def test_only_accounts_with_a_password_have_a_slip() -> None:
    whole = batch(row(1), row(2, Outcome.NOT_FOUND), row(3, Outcome.UNCONFIRMED), row(4, Outcome.SUSPENDED))
    texts = words_by_slip(slips(mail_of(whole)).pages[0])
    assert [text.split("Cuenta ")[1][:7] for text in texts] == ["0000001", "0000003"]
    assert "Puede no haberse aplicado" not in texts[0]
    assert "Puede no haberse aplicado: si no funciona, avise a su docente." in texts[1]


@pytest.mark.parametrize("name", [LONGEST, LONGEST.upper(), "Ñ" * 300, "W" * 60 + ", " + "M" * 60, "i, l"])
def test_nothing_leaves_its_slip(name: str) -> None:
    number = count()
    long = replace(NINTH_A, school_name=f"Complejo Educativo {name}", grade=name[:60], name=name[:40])

    def worst() -> Row:
        return replace(
            row(next(number), Outcome.UNCONFIRMED, name), address="nombre.apellido." + "m" * 48 + "@clases.edu.sv"
        )

    page = slips(mail_of(batch(*(worst() for _ in range(8)), sections=[long]))).pages[0]
    for text, left, right, height in pieces(page):
        column, row_above = left // WIDTH, height // HEIGHT
        assert left >= column * WIDTH + 18, text
        assert right <= (column + 1) * WIDTH - 18, text
        assert row_above * HEIGHT + 4 <= height <= (row_above + 1) * HEIGHT - 18, text
    assert len(words_by_slip(page)) == 8
    assert all(text.endswith("Drive.") for text in words_by_slip(page))


def test_a_long_name_and_a_long_address_are_there_in_full() -> None:
    address = "maria.guadalupe.concepcion.hernandez-villalobos.de.menjivar.quin@clases.edu.sv"
    (text,) = words_by_slip(slips(mail_of(batch(replace(row(1, name=LONGEST), address=address)))).pages[0])
    assert LONGEST in text
    assert address in text.replace(" ", "")


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        ("Ñandú Güemes, José Ángel", "Ñandú Güemes, José Ángel"),
        ("Țepeș, Ștefan", "Tepes, Stefan"),
        ("Łukasz, Đorđe", "Łukasz, Đorđe"),
        ("M\u0323oreno, Ana", "Moreno, Ana"),
        ("李, Ana", "?, Ana"),
    ],
)
def test_a_character_that_the_font_lacks_becomes_its_nearest_one(name: str, drawn: str) -> None:
    (text,) = words_by_slip(slips(mail_of(batch(row(1, name=name)))).pages[0])
    assert f"turno matutino {drawn} Cuenta" in text


def test_the_faces_of_names_are_in_the_file() -> None:
    file = attachment(mail_of(batch(row(1))), "tarjetas.pdf")
    assert file.count(b"/FontFile2") == 2
    assert b"/Title" in file
