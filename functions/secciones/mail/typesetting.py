"""Texts that have to find room on a slip, whatever the names are: smaller, in several lines, at last cut off."""

import functools
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from reportlab.pdfbase.ttfonts import TTFont

# Vera comes with reportlab and is embedded; the monospaced face is one that every reader of PDF has.
PLAIN, BOLD, MONOSPACED = "Vera", "VeraBd", "Courier-Bold"
BLACK, GREY = 0.0, 0.35
# In parts of a size: from line to line, and the height of a capital.
LEADING, CAPITALS = 1.2, 0.73

# Where a word may go on in the next line.
BREAK = "\u200b"
_STEP = 0.5
_CUT = " …"


@dataclass(frozen=True)
class Style:
    """A face that shrinks from one size to another until the text takes no more than `lines`; `gap` is below it.
    All lengths are points."""

    font: str
    size: float
    smallest: float
    lines: int = 1
    grey: float = BLACK
    gap: float = 0

    def scaled(self, scale: float) -> "Style":
        """The same, beginning at a smaller size."""
        return replace(self, size=max(self.smallest, self.size * scale), gap=self.gap * scale)


@dataclass(frozen=True)
class Fitted:
    """The lines of a text at the size at which they have room."""

    style: Style
    size: float
    lines: tuple[str, ...] = field(repr=False)

    @property
    def height(self) -> float:
        """What it takes of the paper, with the gap."""
        return self.size * LEADING * len(self.lines) + self.style.gap


def prepare_reportlab() -> None:
    """Make the embedded faces known; before anything is fitted or drawn."""
    from reportlab import rl_config
    from reportlab.pdfbase.pdfmetrics import getRegisteredFontNames, registerFont
    from reportlab.pdfbase.ttfonts import TTFont

    for name in {PLAIN, BOLD}.difference(getRegisteredFontNames()):
        registerFont(TTFont(name, f"{name}.ttf"))
    # Else pages are also encoded as ASCII: a quarter larger, and half of the time that a document takes.
    rl_config.useA85 = 0


def fitted(text: str, style: Style, width: float) -> Fitted:
    """The text at the largest size at which it has room; at the smallest size the rest is cut off.

    Lines break between words, and at a BREAK within one.
    """
    words = list(_words(text))
    size = style.size
    while len(lines := _wrapped(words, style.font, width / size)) > style.lines and size > style.smallest:
        size = max(style.smallest, size - _STEP)
    if len(lines) > style.lines:
        last = _beginning(lines[style.lines - 1], style.font, width / size, _CUT)
        lines = [*lines[: style.lines - 1], last]
    return Fitted(style, size, tuple(lines))


def width_of(text: str, font: str) -> float:
    """In parts of the font's size."""
    return sum(map(_widths(font).__getitem__, text))


def _words(text: str) -> Iterator[tuple[str, str]]:
    """What a word is joined to the one before with, and the word, in characters that the font has."""
    for word in text.split():
        for number, part in enumerate(word.split(BREAK)):
            yield "" if number else " ", "".join(map(_nearest, part))


def _wrapped(words: list[tuple[str, str]], font: str, room: float) -> list[str]:
    """Lines broken between words, and inside a word that is wider than a line; `room` is in parts of the size."""
    lines: list[str] = []
    filled = room
    for joint, word in words:
        wide = width_of(joint + word, font)
        if lines and filled + wide <= room:
            lines[-1] += joint + word
            filled += wide
            continue
        wide = width_of(word, font)
        while wide > room:
            beginning = _beginning(word, font, room)
            lines.append(beginning)
            word = word[len(beginning) :]
            wide = width_of(word, font)
        lines.append(word)
        filled = wide
    return lines


def _beginning(text: str, font: str, room: float, ending: str = "") -> str:
    """As much of the text as has room together with the ending; at least a character."""
    ends = list(accumulate(map(_widths(font).__getitem__, text)))
    beginning = text[: max(1, bisect_right(ends, room - width_of(ending, font)))]
    return beginning.rstrip() + ending if ending else beginning


class _Widths(dict[str, float]):
    """The width of each character that was asked for. reportlab adds up a text's characters one by one, too, but with
    a call for each."""

    def __init__(self, font: str) -> None:
        self._font = font

    def __missing__(self, character: str) -> float:
        from reportlab.pdfbase.pdfmetrics import stringWidth

        width = self[character] = stringWidth(character, self._font, 1)
        return width


@functools.cache
def _widths(font: str) -> _Widths:
    return _Widths(font)


@functools.lru_cache(maxsize=1024)
def _nearest(character: str) -> str:
    """A character that the font has: a foreign letter without its mark, or a question mark."""
    from reportlab.pdfbase.pdfmetrics import getFont

    glyphs: dict[int, Any] = cast("TTFont", getFont(PLAIN)).face.charToGlyph
    if ord(character) in glyphs or character.isspace():
        return character
    if unicodedata.combining(character):
        return ""
    plain = [part for part in unicodedata.normalize("NFKD", character) if ord(part) in glyphs]
    return "".join(plain) or "?"
