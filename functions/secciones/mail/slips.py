"""The sheet of slips that a teacher cuts: one a student, with the account, the password and how to sign in."""

import io
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from secciones.domain.outcomes import Outcome
from secciones.mail.entries import Entry

if TYPE_CHECKING:
    from reportlab.pdfbase.ttfonts import TTFont
    from reportlab.pdfgen.canvas import Canvas

# Vera comes with reportlab and is embedded; the monospaced face is one that every reader of PDF has.
_PLAIN, _BOLD, _MONOSPACED = "Vera", "VeraBd", "Courier-Bold"
_BLACK, _GREY, _LIGHT = 0.0, 0.35, 0.7
_LEADING = 1.2

# Letter, the paper of El Salvador, in points.
_PAGE_WIDTH, _PAGE_HEIGHT = 612.0, 792.0
_COLUMNS, _ROWS = 2, 4
_WIDTH, _HEIGHT = _PAGE_WIDTH / _COLUMNS, _PAGE_HEIGHT / _ROWS
# Wider than the edge that printers leave white.
_MARGIN_X, _MARGIN_Y = 20.0, 16.0

# reportlab reads a font's file through one cursor, whichever document asks.
_FONTS = threading.Lock()


@dataclass(frozen=True)
class _Block:
    """A text that shrinks from one size to another until it takes no more than `lines`; `gap` is below it."""

    text: str
    font: str
    size: float
    smallest: float
    lines: int = 1
    grey: float = _BLACK
    gap: float = 0.0


def slips_pdf(entries: Sequence[Entry], words: Any) -> bytes:
    """The slips in the order of the entries, eight a letter page; equal arguments give equal bytes.

    `words` is the module of web/mail/words.txt.
    """
    from reportlab.pdfgen.canvas import Canvas

    file = io.BytesIO()
    with _FONTS:
        _register_fonts()
        canvas = Canvas(file, (_PAGE_WIDTH, _PAGE_HEIGHT), pageCompression=1, invariant=1, lang="es")
        canvas.setTitle(words.slips_title)
        for start in range(0, len(entries), _COLUMNS * _ROWS):
            _draw_page(canvas, entries[start : start + _COLUMNS * _ROWS], words)
        canvas.save()
    return file.getvalue()


def _register_fonts() -> None:
    from reportlab.pdfbase.pdfmetrics import getRegisteredFontNames, registerFont
    from reportlab.pdfbase.ttfonts import TTFont

    for name in {_PLAIN, _BOLD}.difference(getRegisteredFontNames()):
        registerFont(TTFont(name, f"{name}.ttf"))


def _draw_page(canvas: "Canvas", entries: Sequence[Entry], words: Any) -> None:
    canvas.setStrokeGray(_LIGHT)
    canvas.setDash(3, 3)
    canvas.lines([(_WIDTH * number, 0, _WIDTH * number, _PAGE_HEIGHT) for number in range(1, _COLUMNS)])
    canvas.lines([(0, _HEIGHT * number, _PAGE_WIDTH, _HEIGHT * number) for number in range(1, _ROWS)])
    for number, entry in enumerate(entries):
        row, column = divmod(number, _COLUMNS)
        _draw_slip(canvas, _blocks(entry, words), column * _WIDTH + _MARGIN_X, _PAGE_HEIGHT - row * _HEIGHT - _MARGIN_Y)
    canvas.showPage()


def _draw_slip(canvas: "Canvas", blocks: Iterator[_Block], left: float, top: float) -> None:
    for block in blocks:
        size, lines = _fitted(block, _WIDTH - 2 * _MARGIN_X)
        canvas.setFont(block.font, size)
        canvas.setFillGray(block.grey)
        for line in lines:
            top -= size * _LEADING
            canvas.drawString(left, top, line)
        top -= block.gap


def _blocks(entry: Entry, words: Any) -> Iterator[_Block]:
    yield _Block(entry.section.school_name, _PLAIN, 7.5, 6, lines=2, grey=_GREY)
    yield _Block(words.section_title(entry.section), _PLAIN, 7.5, 6, grey=_GREY, gap=3)
    yield _Block(entry.row.name, _BOLD, 11, 7, lines=2, gap=3)
    yield _Block(words.slip_account, _PLAIN, 6.5, 6.5, grey=_GREY)
    yield _Block(entry.row.address, _PLAIN, 10, 7, lines=2, gap=3)
    yield _Block(words.slip_password, _PLAIN, 6.5, 6.5, grey=_GREY)
    yield _Block(entry.password, _MONOSPACED, 21, 21, gap=6)
    if entry.row.outcome is Outcome.UNCONFIRMED:
        yield _Block(words.slip_unconfirmed, _BOLD, 6.5, 5.5)
    *steps, last = words.slip_steps
    yield from (_Block(step, _PLAIN, 7, 5.5) for step in steps)
    yield _Block(last, _PLAIN, 7, 5.5, gap=3)
    yield _Block(words.slip_chromebook, _PLAIN, 6.5, 5, lines=2, grey=_GREY)


def _fitted(block: _Block, width: float) -> tuple[float, list[str]]:
    """The largest size at which the text has room, and its lines; at the smallest size the rest is cut off."""
    text = _drawable(block.text) if block.font != _MONOSPACED else block.text
    size = block.size
    while len(lines := _wrapped(text, block.font, size, width)) > block.lines and size > block.smallest:
        size -= 0.5
    if len(lines) > block.lines:
        last = _beginning(lines[block.lines - 1] + " …", block.font, size, width, ending="…")
        lines = [*lines[: block.lines - 1], last]
    return size, lines


def _wrapped(text: str, font: str, size: float, width: float) -> list[str]:
    """Lines broken between words, and inside a word that is wider than a line."""
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        if _width(joined, font, size) <= width:
            lines[-1] = joined
            continue
        lines.append(word)
        while _width(lines[-1], font, size) > width:
            beginning = _beginning(lines[-1], font, size, width)
            lines[-1:] = [beginning, lines[-1][len(beginning) :]]
    return [line for line in lines if line]


def _beginning(text: str, font: str, size: float, width: float, ending: str = "") -> str:
    """As much of the text as has room together with the ending; at least a character."""
    text = text.removesuffix(ending)
    while len(text) > 1 and _width(text + ending, font, size) > width:
        text = text[:-1]
    return text.rstrip() + ending


def _width(text: str, font: str, size: float) -> float:
    from reportlab.pdfbase.pdfmetrics import stringWidth

    return stringWidth(text, font, size)


def _drawable(text: str) -> str:
    """The text in characters that the font has: a foreign letter without its mark, or a question mark."""
    return "".join(_nearest(character) for character in text)


def _nearest(character: str) -> str:
    from reportlab.pdfbase.pdfmetrics import getFont

    glyphs = cast("TTFont", getFont(_PLAIN)).face.charToGlyph
    if ord(character) in glyphs or character.isspace():
        return character
    if unicodedata.combining(character):
        return ""
    plain = [part for part in unicodedata.normalize("NFKD", character) if ord(part) in glyphs]
    return "".join(plain) or "?"
