"""The numbers that people carry, as they type them and as registries store them."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secciones.domain.errors import InvalidNumber
from secciones.domain.people import Dui, Nie, Nip, clean_name


@pytest.mark.parametrize("text", ["01234567-8", "012345678", " 01234567 - 8 ", "12345678", "0123 4567–8", "1234567-8"])
def test_a_dui_is_read_with_and_without_hyphen_blanks_and_leading_zeros(text: str) -> None:
    assert Dui.parse(text).digits == "012345678"


@pytest.mark.parametrize("text", ["01234567-8", "04561239-7", "10000001-9"])
def test_real_check_digits_fit(text: str) -> None:
    assert Dui.parse(text).check_digit_fits


def test_a_wrong_check_digit_is_still_a_dui() -> None:
    assert not Dui.parse("01234567-9").check_digit_fits


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "-",
        "000000000",
        "0",
        "1234567890",
        "12345678a",
        "１２３４５６７８９",
        "٠١٢٣٤٥٦٧٨",
        "1" * 10_000,
        "\u202e012345678",
        "01234567\x008",
    ],
)
def test_what_cannot_be_a_dui_is_refused(text: str) -> None:
    with pytest.raises(InvalidNumber):
        Dui.parse(text)


@given(st.integers(1, 999_999_999))
def test_a_dui_reads_what_it_shows(number: int) -> None:
    dui = Dui.parse(str(number))
    assert Dui.parse(str(dui)) == dui
    assert len(dui.digits) == 9


@given(st.integers(0, 9_999_999))
def test_a_nip_gets_its_lost_zeros_back(number: int) -> None:
    assert Nip.parse(str(number)).digits == f"{number:07}"


@pytest.mark.parametrize("text", ["", "12345678", "12a4567", "-"])
def test_what_cannot_be_a_nip_is_refused(text: str) -> None:
    with pytest.raises(InvalidNumber):
        Nip.parse(text)


@given(st.text(max_size=100))
def test_no_text_makes_a_parser_fail_otherwise(text: str) -> None:
    for kind in (Dui, Nip, Nie):
        with contextlib.suppress(InvalidNumber):
            kind.parse(text)


def test_numbers_do_not_show_themselves_in_a_log() -> None:
    assert "1234567" not in repr(Dui.parse("01234567-8"))
    assert "1234567" not in repr(Nip.parse("1234567"))


@pytest.mark.parametrize(
    ("stored", "clean"),
    [("  ANA   MARIA ", "ANA MARIA"), ("Pen\u0303a", "Peña"), ("Ana\u202e\u0000\tPeña\r\n", "Ana Peña"), ("", "")],
)
def test_names_are_one_line_of_printable_text(stored: str, clean: str) -> None:
    assert clean_name(stored) == clean
