"""The slips that a teacher hands out: one a student, with the account, the password and how to sign in."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from secciones.domain.outcomes import Outcome
from secciones.mail.entries import Entry, surname_key
from secciones.mail.sign_in_code import code_of, sign_in_address
from secciones.mail.typesetting import (
    BLACK,
    BOLD,
    BREAK,
    CAPITALS,
    GREY,
    LEADING,
    MONOSPACED,
    PLAIN,
    Fitted,
    Style,
    fitted,
    prepare_reportlab,
    width_of,
)

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas

SHEETS, BY_SURNAME, LARGE = "tarjetas.pdf", "tarjetas-por-apellido.pdf", "tarjetas-grandes.pdf"

# Letter, the paper of El Salvador, in points.
_PAGE_WIDTH, _PAGE_HEIGHT = 612.0, 792.0
_CUT_GREY = 0.6
# Of the sizes of a head, the first at which it has room.
_SCALES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)

_UNWARNED, _WARNED = "foot", "foot-with-warning"

# reportlab reads a font's file through one cursor, whichever document asks.
_FONTS = threading.Lock()


@dataclass(frozen=True)
class _Layout:
    """How slips stand on a page, in points. Margins are wider than the edge that printers leave white, and than the
    four modules around a code that have to be white (ISO/IEC 18004). The code stands at the right of the head, and
    `between` keeps texts away from it. All heads have one height, so that neighbours' passwords stand in a line."""

    columns: int
    rows: int
    margin_x: float
    margin_y: float
    code: float
    between: float
    head: float
    school: Style
    section: Style
    name: Style
    label: Style
    address: Style
    password: Style
    warning: Style
    step: Style
    chromebook: Style

    @property
    def width(self) -> float:
        return _PAGE_WIDTH / self.columns

    @property
    def height(self) -> float:
        return _PAGE_HEIGHT / self.rows

    @property
    def below_password(self) -> float:
        """Where the foot begins, from the top."""
        heights = (style.size * LEADING + style.gap for style in (self.label, self.password))
        return self.margin_y + self.head + sum(heights)

    @property
    def text_width(self) -> float:
        return self.width - 2 * self.margin_x


_EIGHT_A_PAGE = _Layout(
    columns=2,
    rows=4,
    margin_x=20,
    margin_y=16,
    code=56,
    between=10,
    head=86,
    school=Style(PLAIN, 7, 6, lines=2, grey=GREY),
    section=Style(PLAIN, 7, 6, lines=2, grey=GREY, gap=2.5),
    name=Style(BOLD, 10.5, 6, lines=3, gap=2.5),
    label=Style(PLAIN, 6, 6, grey=GREY),
    address=Style(PLAIN, 10, 6, lines=3, gap=2.5),
    password=Style(MONOSPACED, 21, 21, gap=7),
    warning=Style(BOLD, 6.5, 5.5),
    step=Style(PLAIN, 6.5, 5.5),
    chromebook=Style(PLAIN, 6, 5, lines=2, grey=GREY),
)
_LARGE = _Layout(
    columns=1,
    rows=1,
    margin_x=54,
    margin_y=54,
    code=150,
    between=24,
    head=270,
    school=Style(PLAIN, 15, 10, lines=3, grey=GREY),
    section=Style(PLAIN, 15, 10, lines=2, grey=GREY, gap=16),
    name=Style(BOLD, 28, 14, lines=4, gap=16),
    label=Style(PLAIN, 13, 13, grey=GREY, gap=2),
    address=Style(PLAIN, 22, 12, lines=3, gap=16),
    password=Style(MONOSPACED, 45, 45, gap=30),
    warning=Style(BOLD, 16, 13, lines=2, gap=8),
    step=Style(PLAIN, 17, 14, lines=2, gap=8),
    chromebook=Style(PLAIN, 14, 11, lines=5, grey=GREY),
)


@dataclass(frozen=True)
class _Line:
    """A line of text; `below` is how far its foot is from the top of the slip."""

    text: str = field(repr=False)
    style: Style
    size: float
    left: float
    below: float


@dataclass(frozen=True)
class _Student:
    """What the slips of a student say."""

    entry: Entry
    code: str

    @property
    def foot(self) -> str:
        """Which of the two ends they have."""
        return _WARNED if self.entry.row.outcome is Outcome.UNCONFIRMED else _UNWARNED


def slip_files(entries: Sequence[Entry], words: Any, sign_in_url: str) -> dict[str, bytes]:
    """The files to print, by name: eight slips a page in the order of the entries and, where that is another, in the
    order of surnames, and one a page in large type. Equal arguments give equal bytes.

    `words` is the module of web/mail/words.txt.
    """
    with _FONTS:
        prepare_reportlab()
        students = [_Student(entry, code_of(sign_in_address(sign_in_url, entry.row.address))) for entry in entries]
        by_surname = sorted(students, key=lambda student: surname_key(student.entry))
        files = {SHEETS: _document(_EIGHT_A_PAGE, students, words)}
        if by_surname != students:
            files[BY_SURNAME] = _document(_EIGHT_A_PAGE, by_surname, words)
        files[LARGE] = _document(_LARGE, students, words)
    return files


def _head(layout: _Layout, entry: Entry, words: Any) -> list[Fitted]:
    """What stands beside the code, smaller as a whole when it would need more room than there is."""
    texts = (
        (entry.section.school_name, layout.school),
        (words.section_title(entry.section), layout.section),
        (entry.row.name, layout.name),
        (words.slip_account, layout.label),
        (entry.row.address.replace("@", f"{BREAK}@"), layout.address),
    )
    width = layout.text_width - layout.code - layout.between
    for scale in _SCALES:
        pieces = [fitted(text, style.scaled(scale), width) for text, style in texts]
        if sum(piece.height for piece in pieces) <= layout.head:
            break
    return pieces


def _foot(layout: _Layout, words: Any, name: str) -> Iterator[_Line]:
    """How to sign in. All steps have one size, and their numbers a column."""
    top = layout.below_password
    if name == _WARNED:
        warning = fitted(words.slip_unconfirmed, layout.warning, layout.text_width)
        yield from _stack([warning], layout.margin_x, top)
        top += warning.height
    indent = width_of("0. ", layout.step.font) * layout.step.size
    steps = [fitted(step, layout.step, layout.text_width - indent) for step in words.slip_steps]
    style = replace(layout.step, size=min(step.size for step in steps))
    steps = [fitted(step, style, layout.text_width - indent) for step in words.slip_steps]
    for number, step in enumerate(steps, start=1):
        yield from _stack([Fitted(style, style.size, (f"{number}.",))], layout.margin_x, top)
        yield from _stack([step], layout.margin_x + indent, top)
        top += step.height
    chromebook = fitted(words.slip_chromebook, layout.chromebook, layout.text_width)
    yield from _stack([chromebook], layout.margin_x, top + layout.step.size / 2)


def _stack(pieces: Sequence[Fitted], left: float, top: float) -> Iterator[_Line]:
    for piece in pieces:
        for text in piece.lines:
            top += piece.size * LEADING
            yield _Line(text, piece.style, piece.size, left, top)
        top += piece.style.gap


def _document(layout: _Layout, students: Sequence[_Student], words: Any) -> bytes:
    from reportlab.pdfgen.canvas import Canvas

    canvas = Canvas("", (_PAGE_WIDTH, _PAGE_HEIGHT), pageCompression=1, invariant=1, lang="es")
    canvas.setTitle(words.slips_title)
    _define_feet(canvas, layout, words)
    places = layout.columns * layout.rows
    for start in range(0, len(students), places):
        _draw_cut_lines(canvas, layout)
        for number, student in enumerate(students[start : start + places]):
            row, column = divmod(number, layout.columns)
            _draw_slip(canvas, layout, student, words, column * layout.width, _PAGE_HEIGHT - row * layout.height)
        canvas.showPage()
        _write_down_last_page(canvas)
    content: bytes = canvas.getpdfdata()
    return content


def _write_down_last_page(canvas: Any) -> None:
    """As reportlab does it when a document is saved; until then each page would be objects of six times its size."""
    document = canvas._doc
    page = document.Pages.pages.pop()
    reference = document.Reference(page)
    document.Pages.pages.append(reference)
    document.idToObject[reference.name] = page.format(document)
    document.idToObject[document.Reference(page.Contents).name] = page.Contents.format(document)


def _draw_cut_lines(canvas: "Canvas", layout: _Layout) -> None:
    canvas.saveState()
    canvas.setStrokeGray(_CUT_GREY)
    canvas.setLineWidth(0.5)
    canvas.setDash(3, 3)
    for number in range(1, layout.columns):
        canvas.line(layout.width * number, 0, layout.width * number, _PAGE_HEIGHT)
    for number in range(1, layout.rows):
        canvas.line(0, layout.height * number, _PAGE_WIDTH, layout.height * number)
    canvas.restoreState()


def _define_feet(canvas: "Canvas", layout: _Layout, words: Any) -> None:
    """What is the same on all slips is in the file, and drawn, once."""
    for name in (_UNWARNED, _WARNED):
        canvas.beginForm(name, 0, -int(layout.height), int(layout.width), 0)
        _draw_lines(canvas, _foot(layout, words, name))
        canvas.endForm()


def _draw_lines(canvas: "Canvas", lines: Iterable[_Line], left: float = 0, top: float = 0) -> None:
    text = canvas.beginText()
    for line in lines:
        text.setFont(line.style.font, line.size)
        text.setFillGray(line.style.grey)
        text.setTextOrigin(left + line.left, top - line.below)
        text.textOut(line.text)
    canvas.drawText(text)


def _draw_slip(canvas: "Canvas", layout: _Layout, student: _Student, words: Any, left: float, top: float) -> None:
    head = _stack(_head(layout, student.entry, words), layout.margin_x, layout.margin_y)
    pieces = (
        Fitted(layout.label, layout.label.size, (words.slip_password,)),
        Fitted(layout.password, layout.password.size, (student.entry.password,)),
    )
    *above, password = _stack(pieces, layout.margin_x, layout.margin_y + layout.head)
    _draw_lines(canvas, (*head, *above, password), left, top)
    canvas.saveState()
    canvas.translate(left, top)
    canvas.doForm(student.foot)
    canvas.restoreState()
    _draw_frame_of_digits(canvas, password, left, top)
    _draw_code(canvas, layout, student.code, left, top)


def _draw_code(canvas: "Canvas", layout: _Layout, code: str, left: float, top: float) -> None:
    x = left + layout.width - layout.margin_x - layout.code
    # Its top is in line with the capitals of the first line.
    y = top - layout.margin_y - layout.school.size * (LEADING - CAPITALS) - layout.code
    canvas.saveState()
    canvas.translate(x, y)
    canvas.scale(layout.code, layout.code)
    canvas.setFillGray(BLACK)
    canvas.addLiteral(code)
    canvas.restoreState()


def _draw_frame_of_digits(canvas: "Canvas", password: _Line, left: float, top: float) -> None:
    """Sets the digits apart for the eye alone: a blank would be copied along with them."""
    words, hyphen, digits = password.text.rpartition("-")
    size = password.size
    x = left + password.left + (width_of(words + hyphen, MONOSPACED) - 0.03) * size
    width = (width_of(digits, MONOSPACED) + 0.09) * size
    canvas.setLineWidth(size / 30)
    canvas.roundRect(x, top - password.below - 0.2 * size, width, size, 0.15 * size)
