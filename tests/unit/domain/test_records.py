"""Whatever a registry stores, reading it gives clean values and never fails."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from secciones.domain.people import Nie
from secciones.domain.records import class_list, clean_address, student_of, teacher_of
from secciones.domain.roster import Enrolment, Student

ANYTHING = st.text() | st.text(st.sampled_from(" \t\r\n\u00a0\u202e\u200b\ufeff\x00-@aÑñé1"))


def student(surnames: str, given: str = "Ana", student_id: str = "1", state: Enrolment = Enrolment.ACTIVE) -> Student:
    return student_of(student_id, "1204048", given, surnames, None, state)


class TestAddresses:
    @pytest.mark.parametrize(
        ("stored", "clean"),
        [
            (" Karla.Mejia@CLASES.edu.sv ", "karla.mejia@clases.edu.sv"),
            ("1204048 @clases.edu.sv", "1204048@clases.edu.sv"),
            ("\ufeff1204048@clases.edu.sv\r\n", "1204048@clases.edu.sv"),
            ("1204048@@clases,edu.sv", "1204048@@clases,edu.sv"),
            ("  ", None),
            ("", None),
            (None, None),
        ],
    )
    def test_are_lower_case_and_without_blanks(self, stored: str | None, clean: str | None) -> None:
        assert clean_address(stored) == clean

    @given(ANYTHING)
    @example("İ@x")
    def test_are_one_word_or_none(self, stored: str) -> None:
        clean = clean_address(stored)
        assert clean is None or (clean and clean == clean.lower() and clean.isprintable() and " " not in clean)

    @given(ANYTHING)
    def test_stay_as_they_are_once_clean(self, stored: str) -> None:
        clean = clean_address(stored)
        assert clean_address(clean) == clean

    @pytest.mark.parametrize("stored", ["", "ana", "@clases.edu.sv", "ana@", "a@b@c", "@", " @ "])
    def test_of_a_teacher_count_as_none_when_nobody_could_have_them(self, stored: str) -> None:
        assert teacher_of("t", "Ana", "Rivas", stored).address is None

    def test_of_a_student_stay_for_the_teacher_to_see(self) -> None:
        assert student_of("s", "", "Ana", "Rivas", "ana", Enrolment.ACTIVE).email == "ana"


class TestNumbers:
    @pytest.mark.parametrize(
        ("stored", "nie"),
        [
            ("1204048", "1204048"),
            (" 1204048 ", "1204048"),
            ("0804512", "0804512"),
            ("804512", "804512"),
            ("20410326", "20410326"),
        ],
    )
    def test_are_kept_as_text(self, stored: str, nie: str) -> None:
        assert student_of("s", stored, "Ana", "Rivas", None, Enrolment.ACTIVE).nie == Nie(nie)

    @pytest.mark.parametrize("stored", ["", " ", "N/D", "12345678901", "1204048.0", "١٢٣", "1e5", "-"])
    def test_that_are_none_are_none(self, stored: str) -> None:
        assert student_of("s", stored, "Ana", "Rivas", None, Enrolment.ACTIVE).nie is None

    @given(ANYTHING)
    def test_are_digits_or_none(self, stored: str) -> None:
        nie = student_of("s", stored, "Ana", "Rivas", None, Enrolment.ACTIVE).nie
        assert nie is None or (nie.digits.isascii() and nie.digits.isdigit() and len(nie.digits) <= 10)


@given(given_names=ANYTHING, surnames=ANYTHING)
def test_names_are_one_line_of_printable_text(given_names: str, surnames: str) -> None:
    person = teacher_of("t", given_names, surnames, None)
    for name in (person.given_names, person.surnames, person.name):
        assert name == " ".join(name.split())
        assert not any(unicodedata.category(char).startswith("C") for char in name)


class TestClassList:
    def test_is_by_surnames_then_given_names(self) -> None:
        listed = class_list([student("Rivas", "Luz", "2"), student("Rivas", "Ana", "3"), student("Paz", "Zoe", "1")])
        assert [each.id for each in listed] == ["1", "3", "2"]

    def test_knows_spanish(self) -> None:
        stored = ["Zúniga", "Ñurinda", "NUNEZ", "Núñez", "Óliva", "Olano", "de la O", "Álvarez", "alas", "Nuñez"]
        listed = class_list(student(name, student_id=str(place)) for place, name in enumerate(stored))
        assert [each.surnames for each in listed] == [
            "alas", "Álvarez", "de la O", "NUNEZ", "Núñez", "Nuñez", "Ñurinda", "Olano", "Óliva", "Zúniga",
        ]  # fmt: skip

    @given(st.lists(st.tuples(ANYTHING, st.sampled_from("abc"), st.sampled_from(Enrolment))))
    def test_has_each_active_student_once(self, stored: list[tuple[str, str, Enrolment]]) -> None:
        students = [student(name, student_id=student_id, state=state) for name, student_id, state in stored]
        listed = class_list(students)
        ids = [each.id for each in listed]
        assert sorted(ids) == sorted({each.id for each in students if each.enrolment is Enrolment.ACTIVE})
        assert {each.enrolment for each in listed} <= {Enrolment.ACTIVE}

    @given(st.permutations([student("Rivas", "Ana", str(number)) for number in range(4)]))
    def test_does_not_depend_on_the_registrys_order(self, students: list[Student]) -> None:
        assert [each.id for each in class_list(students)] == ["0", "1", "2", "3"]
