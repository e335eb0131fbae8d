"""People and the numbers they carry. The numbers are values that never show themselves in a log."""

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Self

from secciones.domain.errors import InvalidNumber

# What people type between the digits: blanks of any kind, and the hyphens of phones and word processors.
_SEPARATORS = re.compile(r"[\s\-\u2010-\u2015\u2212\u00ad\u200b]+")
_LONGEST_INPUT = 64
_DUI_DIGITS = 9
_NIP_DIGITS = 7
_NIE_DIGITS = 10


@dataclass(frozen=True)
class Dui:
    """Documento Único de Identidad: eight digits and a check digit."""

    digits: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what a person typed, with or without hyphen and leading zeros; raises InvalidNumber."""
        digits = _digits(text, _DUI_DIGITS)
        if not digits.strip("0"):
            raise InvalidNumber
        return cls(digits)

    def __str__(self) -> str:
        return f"{self.digits[:8]}-{self.digits[8]}"

    @property
    def check_digit_fits(self) -> bool:
        """False is a hint at a typing error and no more: the registry itself stores wrong check digits."""
        total = sum(weight * int(digit) for weight, digit in zip(range(9, 1, -1), self.digits, strict=False))
        return int(self.digits[8]) == (10 - total % 10) % 10


@dataclass(frozen=True)
class Nip:
    """Número de Identificación Profesional: seven digits, of which people drop the leading zeros."""

    digits: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what a person typed and restore lost leading zeros; raises InvalidNumber."""
        return cls(_digits(text, _NIP_DIGITS))


@dataclass(frozen=True)
class Nie:
    """Número de Identificación Estudiantil: up to ten digits, kept as the text that it is."""

    digits: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a stored number; raises InvalidNumber."""
        digits = _SEPARATORS.sub("", text[:_LONGEST_INPUT])
        if not (digits.isascii() and digits.isdigit() and len(digits) <= _NIE_DIGITS):
            raise InvalidNumber
        return cls(digits)

    def __str__(self) -> str:
        return self.digits


@dataclass(frozen=True)
class Teacher:
    """A teacher as the registry knows them; `address` is None when the registry has no usable one."""

    id: str
    given_names: str
    surnames: str
    address: str | None

    @property
    def name(self) -> str:
        """The name as one text, in the order in which it is spoken."""
        return f"{self.given_names} {self.surnames}".strip()


def clean_name(text: str) -> str:
    """One line of printable text: stray blanks, control and bidirectional characters of dirty records gone."""
    composed = unicodedata.normalize("NFC", text)
    if composed.isprintable():  # so are nearly all of a nation's names, which then cost a tenth
        return " ".join(composed.split())
    printable = "".join(" " if c.isspace() else c for c in composed if c.isspace() or unicodedata.category(c)[0] != "C")
    return " ".join(printable.split())


def collated(name: str) -> str:
    """For putting in order: without case and accents, ñ after n as in a Spanish dictionary."""
    return _without_marks(unicodedata.normalize("NFC", name).casefold().replace("ñ", "n\uffff"))


def folded(text: str) -> str:
    """For finding: what people type who leave out capitals, accents and the tilde of ñ."""
    return _without_marks(text.casefold())


def _without_marks(text: str) -> str:
    return "".join([char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char)])


def _digits(text: str, length: int) -> str:
    digits = _SEPARATORS.sub("", text) if len(text) <= _LONGEST_INPUT else ""
    if not (digits.isascii() and digits.isdigit() and len(digits) <= length):
        raise InvalidNumber
    return digits.zfill(length)
