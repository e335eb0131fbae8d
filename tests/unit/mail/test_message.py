"""The mail: to the teacher alone, whole, the same each time, and harmless whatever the registry's records contain."""

import hashlib
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from secciones.domain.outcomes import Outcome
from secciones.mail.message import mail_renderer
from secciones.templates import template_environment
from tests.support.html import parse_page, text_of
from tests.unit.mail.batches import (
    DOMAIN,
    EIGHTH_B,
    NINTH_A,
    SUBMITTED,
    WEB,
    WITHOUT_PASSWORD,
    attachment,
    batch,
    mail_of,
    passwords_of,
    render,
    row,
    slips,
    table,
)

ROOT = Path(__file__).parents[3]
PASSWORD = re.compile(r"[a-z]{4,5}-[a-z]{4,5}-[2-9]{6}")
OUTCOMES = template_environment(WEB / "templates").get_template("components/outcomes.html").module


def words_of(outcome: Outcome) -> tuple[str, str]:
    return str(OUTCOMES.outcome_reason(outcome)), str(OUTCOMES.outcome_advice(outcome))  # type: ignore[attr-defined]


def readable(html: str) -> str:
    return text_of(parse_page(html))


def test_it_goes_to_the_teacher_with_an_id_and_a_date_that_are_the_batchs() -> None:
    mail = mail_of(batch(row(1)))
    assert mail.to == "rosa.portillo@clases.edu.sv"
    assert mail.message_id == "<mesa2nube3gato4luna5sol6rio@clases.edu.sv>"
    assert mail.date == SUBMITTED


def test_its_subject_says_school_grade_section_and_code() -> None:
    subject = mail_of(batch(row(1))).subject
    assert subject == ("Contraseñas temporales: Centro Escolar Colonia Los Izotes, Noveno Grado, sección A (MESA2NUB)")


def test_its_subject_counts_further_sections() -> None:
    tenth = replace(NINTH_A, id="s-10")
    assert "sección A y 1 sección más (" in mail_of(batch(row(1), sections=[NINTH_A, EIGHTH_B])).subject
    assert "sección A y 2 secciones más (" in mail_of(batch(row(1), sections=[NINTH_A, EIGHTH_B, tenth])).subject


def test_its_subject_is_one_line_of_plain_text() -> None:
    odd = replace(NINTH_A, school_name='Centro  "Fe & Luz"\r\nBcc: otro@example.com')
    subject = mail_of(batch(row(1), sections=[odd])).subject
    assert 'Centro "Fe & Luz" Bcc: otro@example.com, Noveno' in subject
    assert not re.search(r"[\r\n]", subject)


def test_text_page_spreadsheet_and_slips_carry_the_same_passwords_for_two_hundred_students() -> None:
    outcomes = [Outcome.CHANGED, Outcome.UNCONFIRMED, Outcome.NOT_FOUND, Outcome.CHANGED]
    whole = batch(
        *(row(n, outcomes[n % 4], section=[NINTH_A, EIGHTH_B][n % 3 % 2]) for n in range(200)),
        sections=[NINTH_A, EIGHTH_B],
    )
    passwords = passwords_of(whole)
    given = [row for section in whole.sections for row in whole.rows if row.section_id == section.id]
    expected = [(row.address, passwords[row.account_id]) for row in given if row.outcome.has_password]
    mail = mail_of(whole)
    paper = "\n".join(page.extract_text() for page in slips(mail).pages)
    assert len(expected) == 150
    for text in (mail.text, readable(mail.html), paper):
        found = re.findall(rf"(\d{{7}}@{re.escape(DOMAIN)})\s[^@]*?({PASSWORD.pattern})", text)
        assert found == expected
    assert [(line["Cuenta"], line["Contraseña temporal"]) for line in table(mail, "cuentas.csv")] == expected
    assert not set(PASSWORD.findall(attachment(mail, "no-encontradas.csv").decode()))


def test_accounts_stand_under_their_section_when_there_are_several() -> None:
    rows = [row(1, section=EIGHTH_B), row(2), row(3, section=EIGHTH_B)]
    mail = mail_of(batch(*rows, sections=[NINTH_A, EIGHTH_B]))
    for text in (mail.text, readable(mail.html)):
        order = ["Noveno Grado, sección A, turno matutino", "Peña 2", "Octavo Grado, sección B", "Peña 1", "Peña 3"]
        places = [text.index(part) for part in order]
        assert places == sorted(places)


def test_an_account_whose_change_is_not_confirmed_is_marked_everywhere() -> None:
    reason, advice = words_of(Outcome.UNCONFIRMED)
    mail = mail_of(batch(row(1), row(2, Outcome.UNCONFIRMED)))
    assert mail.text.count(f"{reason}. {advice}") == 1
    assert readable(mail.html).count(f"{reason}. {advice}") == 1
    assert [line["Observación"] for line in table(mail, "cuentas.csv")] == ["", f"{reason}. {advice}"]
    assert "".join(page.extract_text() for page in slips(mail).pages).count(reason) == 1


@pytest.mark.parametrize("outcome", WITHOUT_PASSWORD)
def test_who_was_not_changed_is_named_with_the_reason_and_what_to_do(outcome: Outcome) -> None:
    reason, advice = words_of(outcome)
    mail = mail_of(batch(row(1), row(2, outcome)))
    for text in (mail.text, readable(mail.html)):
        after = text[text.index(reason) :]
        assert advice in after
        assert "Peña 2, Luz" in after
        assert "Peña 1, Luz" not in after
    (line,) = table(mail, "no-encontradas.csv")
    assert (line["Nombre"], line["NIE"], line["Motivo"], line["Qué hacer"]) == (
        "Peña 2, Luz",
        "0000002",
        reason,
        advice,
    )


def test_accounts_that_were_not_found_are_one_group_and_the_first() -> None:
    rows = [row(1, Outcome.SUSPENDED), row(2, Outcome.NOT_FOUND), row(3, Outcome.NO_ADDRESS), row(4, Outcome.NOT_FOUND)]
    mail = mail_of(batch(*rows))
    for text in (mail.text, readable(mail.html)):
        assert text.count("Cuenta no encontrada en clases.edu.sv (2)") == 1
        order = [
            "Cuenta no encontrada",
            "Peña 2",
            "Peña 4",
            "Sin NIE ni correo",
            "Peña 3",
            "Cuenta suspendida",
            "Peña 1",
        ]
        places = [text.index(part) for part in order]
        assert places == sorted(places)


@pytest.mark.parametrize("outcome", [Outcome.UNCONFIRMED, Outcome.UNFINISHED])
def test_a_batch_that_the_deadline_closed_says_so_before_anything_else(outcome: Outcome) -> None:
    mail = mail_of(batch(row(1), row(2, outcome)))
    assert mail.text.lower().index("el proceso no se completó") < mail.text.index("Estas son las contraseñas")
    assert readable(mail.html).index("El proceso no se completó.") < readable(mail.html).index("Estimado(a)")


def test_a_batch_that_came_to_its_end_says_nothing_of_a_deadline() -> None:
    mail = mail_of(batch(row(1), row(2, Outcome.NOT_FOUND)))
    assert "no se completó" not in (mail.text + mail.html).lower()


def test_without_any_password_there_is_neither_table_nor_slips() -> None:
    mail = mail_of(batch(row(1, Outcome.NOT_FOUND)))
    assert [file.filename for file in mail.attachments] == ["no-encontradas.csv"]
    assert mail.subject.startswith("Ninguna contraseña restablecida: ")
    assert "No se restableció ninguna" in mail.text
    assert "tarjetas.pdf" not in mail.text + mail.html


def test_the_list_of_those_not_changed_comes_only_when_there_are_any() -> None:
    usual = ["cuentas.csv", "tarjetas.pdf", "tarjetas-grandes.pdf"]
    assert [file.filename for file in mail_of(batch(row(1))).attachments] == usual
    mixed = mail_of(batch(row(1), row(2, Outcome.REFUSED)))
    assert [file.filename for file in mixed.attachments] == [*usual, "no-encontradas.csv"]


def test_every_attached_file_is_explained_and_no_other() -> None:
    names = ["cuentas.csv", "tarjetas.pdf", "tarjetas-por-apellido.pdf", "tarjetas-grandes.pdf", "no-encontradas.csv"]
    for rows in ([row(1)], [row(2), row(1)], [row(2), row(1), row(3, Outcome.REFUSED)], [row(3, Outcome.REFUSED)]):
        mail = mail_of(batch(*rows))
        attached = [file.filename for file in mail.attachments]
        for text in (mail.text, readable(mail.html)):
            assert [name for name in names if name in text] == attached


def test_it_says_when_by_whom_and_under_which_code_and_the_four_points() -> None:
    mail = mail_of(batch(row(1)))
    for text in (" ".join(mail.text.split()), readable(mail.html)):
        assert "Estimado(a) Rosa Elena Portillo:" in text
        assert "3 de febrero de 2026, 2:05 p. m." in text
        assert "Código del proceso: MESA2NUB" in text
        assert "nueva contraseña en su primer inicio de sesión" in text
        assert "dirección de correo de recuperación en su perfil" in text
        assert "cuentas que no se encontraron en clases.edu.sv" in text
        assert "debe corregirse en SIGES" in text
        assert "Ministerio de Educación" in text


def test_a_name_is_a_name_in_the_page_and_in_the_text() -> None:
    name = '<script>alert(1)</script> & "O\'Higgins" {{ 7 * 7 }} @<b>'
    hostile = replace(NINTH_A, school_name=name, grade=name, name=name, shift=name)
    rows = [row(1, name=name), replace(row(2, Outcome.NOT_FOUND, name), address=f"{name}@x"), row(3, section=EIGHTH_B)]
    whole = replace(batch(*rows, sections=[hostile, EIGHTH_B]), teacher_name=name)
    mail = mail_of(whole)
    page = parse_page(mail.html)
    assert not [element for element in page.iter() if element.tag in {"script", "b"}]
    assert text_of(page).count(" ".join(name.split())) >= 6
    assert mail.text.count(name) >= 6
    assert "&lt;" not in mail.text + mail.subject


def test_the_page_is_valid_in_spanish_and_fetches_nothing() -> None:
    outcomes = [outcome for outcome in Outcome if not outcome.is_open]
    html = mail_of(batch(*(row(n, outcome) for n, outcome in enumerate(outcomes)))).html
    page = parse_page(html)
    assert page.get("lang") == "es"
    assert not re.search(r"https?:|url\(|<(img|link|style|script|iframe)|\son\w+=", html)


def test_gmail_shows_the_page_of_two_hundred_students_whole() -> None:
    name = "Hernández de Villalobos, María Guadalupe de los Ángeles"
    html = mail_of(
        batch(*(row(number, [Outcome.CHANGED, Outcome.NOT_FOUND][number % 2], name) for number in range(200)))
    ).html
    assert len(html.encode()) < 102_000


def test_equal_batches_give_equal_mails() -> None:
    whole = batch(*(row(n, outcome) for n, outcome in enumerate(outcome for outcome in Outcome if not outcome.is_open)))
    again = replace(whole, rows=tuple(replace(row) for row in whole.rows))
    assert mail_of(whole) == mail_of(again)


def digest() -> str:
    mail = mail_of(batch(row(1), row(2, name="Ñandú"), row(3, Outcome.NOT_FOUND)))
    files = [file.content for file in mail.attachments]
    return hashlib.sha256(repr((mail.subject, mail.text, mail.html, files)).encode()).hexdigest()


def test_another_process_gives_the_same_bytes() -> None:
    script = "from tests.unit.mail.test_message import digest; print(digest())"
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'functions'}{os.pathsep}{ROOT}", "PYTHONHASHSEED": "4711"}
    there = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert there.stdout.strip() == digest()


def test_a_missing_password_is_an_error_and_not_a_mail_without_it() -> None:
    with pytest.raises(KeyError):
        render(batch(row(1)), {})


def test_every_outcome_has_a_reason_and_advice_that_need_no_escaping() -> None:
    for outcome in Outcome:
        for words in words_of(outcome):
            assert words
            assert not re.search(r"[<>&\"'\n]", words)


def test_whoever_did_not_ask_for_it_reads_how_to_reach_the_support_where_that_is_known() -> None:
    templates = template_environment(WEB / "templates", WEB / "mail")
    contact = "soporte@clases.edu.sv, teléfono 2592-0000"
    reachable = mail_renderer(templates, "Ministerio de Educación", DOMAIN, "https://accounts.google.com", contact)
    mail = reachable(batch(row(1)), passwords_of(batch(row(1))))
    for text in (" ".join(mail.text.split()), readable(mail.html)):
        assert f"el soporte técnico de clases.edu.sv ({contact}) e indique el código MESA2NUB" in text
    assert "soporte técnico de clases.edu.sv e indique" in mail_of(batch(row(1))).text
