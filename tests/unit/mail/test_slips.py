"""The slips: eight a letter page or one, each inside its own lines whatever the names are, with a code that opens the
sign-in page and knows no password."""

import re
import tracemalloc
from dataclasses import replace
from functools import cached_property
from itertools import count
from typing import cast
from urllib.parse import parse_qs, urlsplit

import pypdfium2
import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps
from pypdfium2.raw import FPDF_PAGEOBJ_PATH

from secciones.domain.batches import Batch, Row
from secciones.domain.outcomes import Outcome
from secciones.mail.sign_in_code import sign_in_address
from tests.unit.mail.batches import EIGHTH_B, NINTH_A, attachment, batch, mail_of, passwords_of, row, slips

LONGEST = (
    "Hernández-Villalobos de Menjívar Quintanilla y Portillo, María Guadalupe de los Ángeles Concepción Inmaculada"
)
LONG_ADDRESS = "maria.guadalupe.concepcion.hernandez-villalobos.de.menjivar.quin@clases.edu.sv"
SHEETS, BY_SURNAME, LARGE = "tarjetas.pdf", "tarjetas-por-apellido.pdf", "tarjetas-grandes.pdf"
# Of a slip, in points.
WIDTH = {SHEETS: 306, BY_SURNAME: 306, LARGE: 612}
HEIGHT = {SHEETS: 198, BY_SURNAME: 198, LARGE: 792}
SIGN_IN = "https://accounts.google.com/AddSession?Email="

number = count()


class Slip:
    """One slip of a page as a person has it in hand: its text, and its picture."""

    def __init__(self, page: pypdfium2.PdfPage, left: int, top: int, file: str) -> None:
        self._page = page
        right, foot = left + WIDTH[file], 792 - top - HEIGHT[file]
        self._edges = (left, foot, 612 - right, top)
        self.dots = 900 / WIDTH[file]  # pixels a point
        self.text = " ".join(page.get_textpage().get_text_bounded(left, foot, right, 792 - top).split())

    @cached_property
    def picture(self) -> Image.Image:
        """In grey."""
        picture: Image.Image = self._page.render(scale=self.dots, crop=self._edges, grayscale=True).to_pil()
        return picture

    @cached_property
    def code(self) -> zxingcpp.Barcode:
        """The only one."""
        (code,) = zxingcpp.read_barcodes(self.picture)
        return code

    @property
    def margins(self) -> list[float]:
        """How far what is printed stays away from the left, upper, right and lower cut, in points."""
        inside = 3  # leaves the cut lines out
        width, height = self.picture.size
        left, top, right, bottom = printed(self.picture.crop((inside, inside, width - inside, height - inside)))
        edges = (left + inside, top + inside, width - inside - right, height - inside - bottom)
        return [edge / self.dots for edge in edges]


def printed(picture: Image.Image) -> tuple[int, int, int, int]:
    """The box around all that is not white; no box around nothing."""
    return ImageOps.invert(picture).point([0] * 6 + [255] * 250).getbbox() or (0, 0, 0, 0)


def slips_of(whole: Batch, file: str = SHEETS) -> list[Slip]:
    """The slips of a file in the order in which they are cut; empty places left out."""
    places = [(left, top) for top in range(0, 792, HEIGHT[file]) for left in range(0, 612, WIDTH[file])]
    pages = pypdfium2.PdfDocument(attachment(mail_of(whole), file))
    assert {page.get_size() for page in pages} == {(612, 792)}
    return [slip for page in pages for slip in (Slip(page, *place, file) for place in places) if slip.text]


def place_of(code: zxingcpp.Barcode) -> tuple[int, int, int, int]:
    first, last = code.position.top_left, code.position.bottom_right
    return first.x, first.y, last.x, last.y


def names(found: list[Slip]) -> list[str]:
    return [re.split(" turno \\w+ | Cuenta ", slip.text)[1] for slip in found]


def hardest(name: str) -> Row:
    address = "nombre.apellido." + "m" * 48 + "@clases.edu.sv"
    return replace(row(next(number), Outcome.UNCONFIRMED, name), address=address)


@pytest.mark.parametrize(("students", "sheets"), [(1, 1), (8, 1), (9, 2), (60, 8), (200, 25)])
def test_eight_students_share_a_sheet_and_each_has_a_large_page(students: int, sheets: int) -> None:
    mail = mail_of(batch(*(row(number) for number in range(students))))
    assert len(slips(mail).pages) == sheets
    assert len(slips(mail, LARGE).pages) == students


@pytest.mark.parametrize("file", [SHEETS, BY_SURNAME, LARGE])
def test_each_slip_has_school_section_name_account_password_and_how_to_sign_in(file: str) -> None:
    whole = batch(*(row(number) for number in range(11)))
    found = {slip.text.split(" Cuenta ")[1][:7]: slip.text for slip in slips_of(whole, file)}
    assert len(found) == 11
    for student in whole.rows:
        text = found[student.nie]
        assert text.startswith("Centro Escolar Colonia Los Izotes Noveno Grado, sección A, turno matutino")
        assert f"{student.name} Cuenta {student.address}" in text
        assert f"Contraseña temporal {passwords_of(whole)[student.account_id]} 1. Escanee el código, abra" in text
        assert "2. Escriba la cuenta y la contraseña" in text
        assert "3. Cree una contraseña nueva" in text
        assert "¿El Chromebook pide la contraseña anterior? Escríbala. Si no la sabe," in text


@pytest.mark.parametrize("file", [SHEETS, LARGE])
def test_only_accounts_with_a_password_have_a_slip(file: str) -> None:
    whole = batch(row(1), row(2, Outcome.NOT_FOUND), row(3, Outcome.UNCONFIRMED), row(4, Outcome.SUSPENDED))
    texts = [slip.text for slip in slips_of(whole, file)]
    assert [text.split("Cuenta ")[1][:7] for text in texts] == ["0000001", "0000003"]
    assert "Puede no haberse aplicado" not in texts[0]
    assert "Puede no haberse aplicado: si no funciona, avise a su docente. 1." in texts[1]


@pytest.mark.parametrize("file", [SHEETS, LARGE])
@pytest.mark.parametrize("name", [LONGEST, LONGEST.upper(), "Ñ" * 300, "W" * 60 + ", " + "M" * 60, "i, l"])
def test_nothing_leaves_its_slip_and_the_code_stays_free(name: str, file: str) -> None:
    long = replace(NINTH_A, school_name=f"Complejo Educativo {name}", grade=name[:60], name=name[:40])
    students = [hardest(name) for _ in range(8)]
    found = slips_of(batch(*students, sections=[long]), file)
    assert len(found) == 8
    for slip in found:
        left, top, right, bottom = slip.margins
        assert min(left, right) >= 18
        assert top >= 16
        assert bottom >= 4
        assert slip.text.endswith("Drive.")
        assert slip.code.text == SIGN_IN + students[0].address
        assert students[0].address in slip.text.replace(" ", "")


@pytest.mark.parametrize("file", [SHEETS, LARGE])
def test_a_long_name_and_a_long_address_are_there_in_full(file: str) -> None:
    (slip,) = slips_of(batch(replace(row(1, name=LONGEST), address=LONG_ADDRESS)), file)
    assert LONGEST in slip.text.replace("Hernández- ", "Hernández-")
    assert LONG_ADDRESS in slip.text.replace(" ", "")
    assert " @clases.edu.sv" in slips_of(batch(replace(row(1), address=f"{'m' * 20}@clases.edu.sv")))[0].text


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
    assert names(slips_of(batch(row(1, name=name)))) == [drawn]


@pytest.mark.parametrize("file", [SHEETS, LARGE])
def test_the_faces_of_names_are_in_the_file(file: str) -> None:
    content = attachment(mail_of(batch(row(1))), file)
    assert content.count(b"/FontFile2") == 2
    assert b"/Title" in content


@pytest.mark.parametrize("file", [SHEETS, BY_SURNAME, LARGE])
def test_a_code_opens_the_sign_in_page_with_the_slips_address_and_nothing_else(file: str) -> None:
    whole = batch(*(row(number) for number in range(11)))
    for slip in slips_of(whole, file):
        assert slip.code.text == SIGN_IN + slip.text.split(" Cuenta ")[1].split()[0]
        assert not [password for password in passwords_of(whole).values() if password in slip.code.text]


@pytest.mark.parametrize("file", [SHEETS, LARGE])
def test_four_modules_around_a_code_are_white(file: str) -> None:
    (slip,) = slips_of(batch(hardest("i" * 300)), file)  # fills its lines
    left, top, right, bottom = place_of(slip.code)
    version = cast("dict[str, str]", slip.code.extra)["Version"]
    module = (right - left) / (17 + 4 * int(version))
    quiet = int(4 * module)
    around = slip.picture.crop((left - quiet, top - quiet, right + quiet, bottom + quiet))
    around.paste(255, (quiet - 2, quiet - 2, right - left + quiet + 2, bottom - top + quiet + 2))
    assert printed(around) == (0, 0, 0, 0)
    assert module / slip.dots >= 1  # a third of a millimetre


@pytest.mark.parametrize("file", [SHEETS, LARGE])
def test_the_digits_of_a_password_stand_in_a_frame_and_are_copied_along(file: str) -> None:
    whole = batch(row(1))
    (password,) = passwords_of(whole).values()
    content = attachment(mail_of(whole), file)
    page = pypdfium2.PdfDocument(content)[0]
    text = page.get_textpage()
    begin = text.get_text_range().index(password)
    boxes = [text.get_charbox(begin + place) for place in range(len(password))]
    frames = [path.get_bounds() for path in page.get_objects(filter=[FPDF_PAGEOBJ_PATH])]
    framed = [[_is_inside(box, frame) for box in boxes] for frame in frames]
    assert [letter.isdigit() for letter in password] in framed
    assert password in slips(mail_of(whole), file).pages[0].extract_text()


def _is_inside(box: tuple[float, ...], frame: tuple[float, ...]) -> bool:
    return box[0] >= frame[0] and box[1] >= frame[1] and box[2] <= frame[2] and box[3] <= frame[3]


def test_slips_are_made_in_little_more_memory_than_they_take() -> None:
    whole = batch(*(row(number) for number in range(200)))
    mail_of(whole)  # knows the fonts then
    tracemalloc.start()
    try:
        files = mail_of(whole).attachments
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3.5 * sum(len(file.content) for file in files)


def test_students_of_several_sections_also_come_in_the_order_of_surnames() -> None:
    ninth = ["Zelaya, Ana", "Núñez Ávila, Eva", "Nuñez, Zoila"]
    eighth = ["ÁVALOS, Luz", "Nunzio, Ana", "de León, Íris", "Núñez, Ana"]
    rows = [row(number, name=name) for number, name in enumerate(ninth)]
    rows += [row(number, name=name, section=EIGHTH_B) for number, name in enumerate(eighth, start=3)]
    whole = batch(*rows, sections=[NINTH_A, EIGHTH_B])
    assert names(slips_of(whole)) == [*ninth, *eighth]
    in_order = ["ÁVALOS, Luz", "de León, Íris", "Nunzio, Ana", "Núñez, Ana", "Nuñez, Zoila", "Núñez Ávila, Eva"]
    assert names(slips_of(whole, BY_SURNAME)) == [*in_order, "Zelaya, Ana"]


def test_twins_of_one_name_are_in_the_order_of_their_accounts() -> None:
    whole = batch(row(2, name="Paz, Ana"), row(1, name="Paz, Ana"), row(3, name="Ábrego, Eva"))
    accounts = [slip.text.split(" Cuenta ")[1][:7] for slip in slips_of(whole, BY_SURNAME)]
    assert accounts == ["0000003", "0000001", "0000002"]


def test_the_order_of_surnames_is_left_out_where_it_is_the_order_of_the_list() -> None:
    whole = batch(row(1, name="Ábrego, Eva"), row(3, name="Paz, Ana"), row(2, name="Paz, Eva"))
    assert [file.filename for file in mail_of(whole).attachments] == ["cuentas.csv", SHEETS, LARGE]


@given(st.text(min_size=1), st.sampled_from(["https://accounts.google.com", "http://localhost:8081", "https://x.sv/a"]))
def test_the_sign_in_page_is_told_an_address_whole_and_nothing_else(address: str, sign_in_url: str) -> None:
    url = urlsplit(sign_in_address(sign_in_url, address))
    assert url.geturl().startswith(f"{sign_in_url}/AddSession?")
    assert parse_qs(url.query, strict_parsing=True, max_num_fields=1) == {"Email": [address]}
    assert not url.fragment
