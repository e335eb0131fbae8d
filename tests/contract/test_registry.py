"""What every registry promises to the rest: one suite for the SIGES client, against the stand-in, and for what was
imported from OneRoster, in both stores."""

import csv
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from secciones.adapters.siges import SigesRegistry
from secciones.adapters.sqlite import SqliteDocuments
from secciones.adapters.stored_registry import StoredRegistry
from secciones.domain.errors import NotAssigned, RegistryUnavailable
from secciones.domain.people import Dui, Nie, Nip, Teacher
from secciones.domain.roster import Roster, Student
from secciones.ports.documents import Documents
from secciones.ports.registry import Registry
from secciones.services.import_roster import State
from tests.support.emulator import emulated_firestore
from tests.support.fakes import START
from tests.support.imports import REGISTRY_SECRET, import_sample
from tests.support.siges import SAMPLE, SigesStandIn, started_siges

MARTA, JOSE, ANA, MARIA, ROSA, OSCAR, WILLIAM, KARLA = (f"doc-{number:04d}" for number in range(1, 9))
SEPTIMO_A = "sec-2026-99101-001"
SEPTIMO_B = "sec-2026-99101-002"
OCTAVO_B = "sec-2026-99101-005"
NOVENO_A = "sec-2026-99101-007"
NOVENO_C = "sec-2026-99101-009"
NOVENO_D_CLOSED = "sec-2026-99101-010"
BACHILLERATO_EMPTY = "sec-2026-99101-015"
CUARTO_A = "sec-2026-99204-005"
QUINTO_A = "sec-2026-99204-006"
CUARTO_A_LAST_YEAR = "sec-2025-99204-001"


@pytest.fixture(scope="module")
def siges(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SigesStandIn]:
    with started_siges(tmp_path_factory.mktemp("siges") / "log") as stand_in:
        yield stand_in


@pytest.fixture(scope="module")
def imported_on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    folder = tmp_path_factory.mktemp("imported")
    return imported(SqliteDocuments(folder / "documents", lambda: START))


@pytest.fixture(scope="module")
def imported_on_firestore(firestore_emulator: str) -> Registry:
    return imported(emulated_firestore(firestore_emulator, f"secciones-{uuid.uuid4().hex[:12]}", now=lambda: START))


def imported(documents: Documents) -> Registry:
    """The sample as it was imported into this store."""
    result = import_sample(documents)
    assert (result.state, result.problems) == (State.IMPORTED, 0)
    return StoredRegistry(documents, REGISTRY_SECRET)


@pytest.fixture(params=["siges", "imported_on_sqlite", "imported_on_firestore"])
def registry(request: pytest.FixtureRequest) -> Registry:
    if request.param == "siges":
        return client(request.getfixturevalue("siges"))
    found: Registry = request.getfixturevalue(request.param)
    return found


def client(stand_in: SigesStandIn, timeout: float = 5.0, token: str | None = None) -> SigesRegistry:
    return SigesRegistry(stand_in.url, token or stand_in.token, timeout, random=lambda: 0.5, sleep=lambda _: None)


def verified(registry: Registry, dui: str, nip: str) -> Teacher | None:
    return registry.verify_teacher(Dui.parse(dui), Nip.parse(nip))


def names(roster: Roster) -> list[str]:
    return [student.name for student in roster.students]


def student_with(roster: Roster, email: str) -> Student:
    [found] = [student for student in roster.students if student.email == email]
    return found


class TestVerification:
    def test_finds_each_teacher_of_the_sample(self, registry: Registry) -> None:
        with (SAMPLE / "people.csv").open(encoding="utf-8") as file:
            teachers = [row for row in csv.DictReader(file) if row["dui"]]
        found = [verified(registry, row["dui"], row["nip"]) for row in teachers]
        assert [teacher and teacher.id for teacher in found] == [
            MARTA, JOSE, ANA, MARIA, ROSA, OSCAR, WILLIAM, KARLA
        ]  # fmt: skip

    def test_gives_the_teachers_name_and_address(self, registry: Registry) -> None:
        assert verified(registry, "04561239-7", "0023187") == Teacher(
            MARTA, "Marta Alicia", "Guardado de Henríquez", "marta.guardado.henriquez@clases.edu.sv"
        )

    @pytest.mark.parametrize(
        ("dui", "nip"),
        [
            pytest.param("04561239-7", "0023188", id="wrong NIP"),
            pytest.param("04561238-9", "0023187", id="unknown DUI"),
            pytest.param("04561239-7", "1048276", id="NIP of a colleague"),
            pytest.param("03872640-1", "9999999", id="both unknown"),
        ],
    )
    def test_knows_nobody_by_numbers_that_do_not_belong_together(self, registry: Registry, dui: str, nip: str) -> None:
        assert verified(registry, dui, nip) is None

    def test_finds_a_teacher_whose_leading_zeros_the_registry_lost(self, registry: Registry) -> None:
        teacher = verified(registry, "01234567-8", "0012345")
        assert teacher is not None
        assert (teacher.id, teacher.name) == (WILLIAM, "WILLIAM ERNESTO BELTRAN NUNEZ")

    def test_takes_the_registrys_word_over_the_check_digit(self, registry: Registry) -> None:
        stored, valid = "03881407-3", "03881407-7"
        assert not Dui.parse(stored).check_digit_fits
        assert Dui.parse(valid).check_digit_fits
        assert verified(registry, stored, "1705533") is not None
        assert verified(registry, valid, "1705533") is None

    def test_has_no_address_where_the_registry_has_none(self, registry: Registry) -> None:
        teacher = verified(registry, "10000001-9", "0400518")
        assert teacher is not None
        assert teacher.address is None

    def test_cleans_blanks_and_case(self, registry: Registry) -> None:
        assert verified(registry, "02441780-5", "1933064") == Teacher(
            KARLA, "Karla Beatriz Yamileth", "Mejía López Cruz", "karla.mejia.lopez@clases.edu.sv"
        )


class TestSchools:
    def test_come_in_order_with_the_teachers_sections_in_order(self, registry: Registry) -> None:
        schools = registry.schools(MARTA)
        assert [(school.code, school.department, school.municipality) for school in schools] == [
            ("99101", "San Salvador", "San Salvador Este"),
            ("99204", "La Libertad", "La Libertad Sur"),
        ]
        assert [[section.id for section in school.sections] for school in schools] == [
            [SEPTIMO_A, NOVENO_A, NOVENO_D_CLOSED],
            [CUARTO_A, QUINTO_A],
        ]

    def test_tell_grade_name_shift_and_number_of_students(self, registry: Registry) -> None:
        section = registry.schools(MARTA)[1].sections[0]
        assert (section.code, section.grade, section.name, section.shift, section.is_open, section.student_count) == (
            "99204-005", "Cuarto Grado", "A", "Vespertino", True, 24,
        )  # fmt: skip

    def test_tell_a_closed_section(self, registry: Registry) -> None:
        sections = registry.schools(MARTA)[0].sections
        assert [section.id for section in sections if not section.is_open] == [NOVENO_D_CLOSED]

    def test_may_be_one_with_twelve_sections(self, registry: Registry) -> None:
        [school] = registry.schools(JOSE)
        assert len(school.sections) == 12

    def test_may_be_one_with_a_section_of_every_grade(self, registry: Registry) -> None:
        [school] = registry.schools(MARIA)
        assert [section.grade for section in school.sections] == [
            "Parvularia 5", "Primer Grado", "Segundo Grado", "Tercer Grado", "Sexto Grado",
        ]  # fmt: skip

    def test_are_none_for_a_teacher_who_had_sections_last_year_only(self, registry: Registry) -> None:
        assert registry.schools(ANA) == ()

    @pytest.mark.parametrize("teacher_id", ["doc-9999", "est-000001", "", "../doc-0001", "ñ", "a b", "x" * 65])
    def test_are_refused_for_an_unknown_teacher(self, registry: Registry, teacher_id: str) -> None:
        with pytest.raises(NotAssigned):
            registry.schools(teacher_id)


class TestRoster:
    def test_names_the_section_and_its_school(self, registry: Registry) -> None:
        roster = registry.roster(MARTA, SEPTIMO_A)
        assert (roster.school.code, roster.school.sections, roster.section.id) == ("99101", (), SEPTIMO_A)

    def test_is_the_same_for_every_teacher_of_the_section(self, registry: Registry) -> None:
        assert registry.roster(MARTA, SEPTIMO_A) == registry.roster(JOSE, SEPTIMO_A)

    def test_is_in_the_order_of_a_class_list(self, registry: Registry) -> None:
        surnames = [student.surnames for student in registry.roster(MARTA, SEPTIMO_A).students]
        assert surnames.index("Mejía Hándal") < surnames.index("Muñoz Umaña") < surnames.index("Núñez Rodríguez")
        assert surnames.index("Núñez Rodríguez") < surnames.index("Osorio") < surnames.index("Peña Hernández")

    @pytest.mark.parametrize(
        ("teacher_id", "section_id"), [(MARTA, SEPTIMO_A), (MARTA, NOVENO_A), (OSCAR, BACHILLERATO_EMPTY)]
    )
    def test_counts_whom_it_lists(self, registry: Registry, teacher_id: str, section_id: str) -> None:
        roster = registry.roster(teacher_id, section_id)
        ids = [student.id for student in roster.students]
        assert len(ids) == len(set(ids)) == roster.section.student_count

    def test_leaves_out_withdrawn_and_annulled_enrolments(self, registry: Registry) -> None:
        stored = enrolled_in(SEPTIMO_A)
        gone = {student_id for student_id, state in stored if state in {"retirada", "anulada"}}
        assert len(gone) == 2
        listed = {student.id for student in registry.roster(MARTA, SEPTIMO_A).students}
        assert listed == {student_id for student_id, _ in stored} - gone

    def test_lists_a_student_who_came_back_once(self, registry: Registry) -> None:
        states = enrolled_in(NOVENO_A)
        [came_back] = {student_id for student_id, state in states if state == "retirada"}
        assert (came_back, "activa") in states
        listed = [student.id for student in registry.roster(MARTA, NOVENO_A).students]
        assert listed.count(came_back) == 1

    def test_may_be_empty(self, registry: Registry) -> None:
        assert registry.roster(OSCAR, BACHILLERATO_EMPTY).students == ()

    def test_may_have_sixty_students(self, registry: Registry) -> None:
        assert len(registry.roster(JOSE, NOVENO_C).students) == 60

    def test_of_a_closed_section_is_still_there(self, registry: Registry) -> None:
        roster = registry.roster(MARTA, NOVENO_D_CLOSED)
        assert not roster.section.is_open
        assert len(roster.students) == 8

    def test_keeps_two_students_of_one_name_apart(self, registry: Registry) -> None:
        listed = names(registry.roster(MARTA, SEPTIMO_A))
        [doubled] = {name for name in listed if listed.count(name) > 1}
        assert listed.count(doubled) == 2

    def test_keeps_a_name_in_capitals_as_it_is(self, registry: Registry) -> None:
        assert "NUNEZ MUNOZ, JOSE ANGEL" in names(registry.roster(MARTA, SEPTIMO_A))

    def test_has_no_address_where_the_registry_has_none(self, registry: Registry) -> None:
        without = [student for student in registry.roster(MARTA, SEPTIMO_A).students if student.email is None]
        assert len(without) == 1

    def test_keeps_a_number_that_lost_its_zeros_as_text(self, registry: Registry) -> None:
        student = student_with(registry.roster(MARTA, SEPTIMO_A), "0804512@clases.edu.sv")
        assert student.nie == Nie("804512")

    def test_has_no_number_where_the_registry_has_none(self, registry: Registry) -> None:
        students = registry.roster(MARTA, CUARTO_A).students
        assert [student.email is None for student in students if student.nie is None].count(True) == 1
        assert [student.email is None for student in students if student.nie is None].count(False) == 1

    def test_keeps_a_malformed_address_for_the_teacher_to_see(self, registry: Registry) -> None:
        emails = [student.email or "" for student in registry.roster(MARTA, NOVENO_A).students]
        assert any(email.endswith("@@clases,edu.sv") for email in emails)

    def test_keeps_an_address_on_both_students_who_share_it(self, registry: Registry) -> None:
        emails = [student.email for student in registry.roster(MARTA, NOVENO_A).students if student.email]
        [shared] = {email for email in emails if emails.count(email) > 1}
        assert emails.count(shared) == 2

    def test_keeps_addresses_of_other_people(self, registry: Registry) -> None:
        emails = {student.email for student in registry.roster(MARTA, QUINTO_A).students}
        assert {"administracion@clases.edu.sv", "karla.mejia.lopez@clases.edu.sv"} <= emails

    def test_has_no_stray_blanks_and_no_capitals_in_addresses(self, registry: Registry) -> None:
        students = registry.roster(MARTA, NOVENO_A).students
        texts = [text for s in students for text in (s.given_names, s.surnames, str(s.nie), s.email or "")]
        assert all(text == " ".join(text.split()) for text in texts)
        assert all(student.email == student.email.lower() for student in students if student.email)
        assert any(student_id_is_stored_with_blanks(student.id) for student in students)

    @pytest.mark.parametrize(
        "section_id",
        [
            pytest.param(OCTAVO_B, id="another teacher's"),
            pytest.param(CUARTO_A_LAST_YEAR, id="last year's"),
            pytest.param("sec-2026-99101-999", id="unknown"),
            pytest.param("ce-99101", id="not a section"),
            pytest.param("", id="empty"),
            pytest.param("../../doc-0002/schools", id="path"),
            pytest.param("sec?x=1#y", id="query"),
            pytest.param("x" * 10_000, id="long"),
            pytest.param("sec-2026-99101-001\u202e\n", id="control characters"),
        ],
    )
    def test_is_refused_alike_for_a_section_that_is_not_the_teachers(self, registry: Registry, section_id: str) -> None:
        with pytest.raises(NotAssigned):
            registry.roster(MARTA, section_id)

    def test_is_refused_for_an_unknown_teacher(self, registry: Registry) -> None:
        with pytest.raises(NotAssigned):
            registry.roster("doc-9999", SEPTIMO_A)


def test_all_registries_agree_on_everything(siges: SigesStandIn, imported_on_sqlite: Registry) -> None:
    over_http = client(siges)
    for teacher_id in (MARTA, JOSE, ANA, MARIA, ROSA, OSCAR, WILLIAM, KARLA):
        schools = imported_on_sqlite.schools(teacher_id)
        assert over_http.schools(teacher_id) == schools
        for section in (section for school in schools for section in school.sections):
            found = imported_on_sqlite.roster(teacher_id, section.id)
            assert over_http.roster(teacher_id, section.id) == found


class TestSigesThatChangesOrFails:
    @pytest.fixture(autouse=True)
    def _restored(self, siges: SigesStandIn) -> Iterator[None]:
        siges.restore()
        yield
        siges.restore()

    def test_shows_a_section_that_was_closed_meanwhile(self, siges: SigesStandIn) -> None:
        siges.set_section_state(SEPTIMO_A, "closed")
        assert not client(siges).roster(MARTA, SEPTIMO_A).section.is_open
        siges.set_section_state(SEPTIMO_A, "open")
        assert client(siges).roster(MARTA, SEPTIMO_A).section.is_open

    def test_refuses_a_section_that_was_taken_away(self, siges: SigesStandIn) -> None:
        siges.assign(MARTA, SEPTIMO_A, assigned=False)
        with pytest.raises(NotAssigned):
            client(siges).roster(MARTA, SEPTIMO_A)
        assert client(siges).roster(JOSE, SEPTIMO_A).students

    def test_shows_a_section_that_was_given(self, siges: SigesStandIn) -> None:
        siges.assign(ANA, SEPTIMO_B, assigned=True)
        assert [section.id for school in client(siges).schools(ANA) for section in school.sections] == [SEPTIMO_B]

    @pytest.mark.parametrize("status", [429, 500, 503])
    def test_is_unavailable_while_it_is_down(self, siges: SigesStandIn, status: int) -> None:
        siges.go_down(status)
        registry = client(siges)
        with pytest.raises(RegistryUnavailable):
            verified(registry, "04561239-7", "0023187")
        with pytest.raises(RegistryUnavailable):
            registry.schools(MARTA)
        with pytest.raises(RegistryUnavailable):
            registry.roster(MARTA, SEPTIMO_A)

    @pytest.mark.parametrize("status", [429, 503])
    def test_is_asked_again_for_what_it_only_reads(self, siges: SigesStandIn, status: int) -> None:
        siges.go_down(status, times=2)
        assert len(client(siges).schools(MARTA)) == 2
        assert siges.calls() == {"listTeacherSchools": 3}

    def test_is_asked_once_for_a_verification_that_it_answered(self, siges: SigesStandIn) -> None:
        siges.go_down(503, times=1)
        with pytest.raises(RegistryUnavailable):
            verified(client(siges), "04561239-7", "0023187")
        assert siges.calls() == {"verifyTeacher": 1}

    def test_is_unavailable_when_it_takes_too_long(self, siges: SigesStandIn) -> None:
        siges.be_slow(1.0)
        with pytest.raises(RegistryUnavailable):
            client(siges, timeout=0.1).schools(MARTA)

    def test_is_unavailable_to_a_wrong_token(self, siges: SigesStandIn) -> None:
        registry = client(siges, token="another-token")
        with pytest.raises(RegistryUnavailable):
            registry.schools(MARTA)
        with pytest.raises(RegistryUnavailable):
            verified(registry, "04561239-7", "0023187")

    def test_answers_many_threads_of_one_client(self, siges: SigesStandIn, imported_on_sqlite: Registry) -> None:
        registry = client(siges)
        teachers = [MARTA, JOSE, MARIA, KARLA] * 8
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(registry.schools, teachers))
        assert answers == [imported_on_sqlite.schools(teacher_id) for teacher_id in teachers]


def test_changes_survive_the_death_of_the_stand_in(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with started_siges(tmp_path / "log", state) as stand_in:
        stand_in.set_section_state(SEPTIMO_A, "closed")
        stand_in.assign(MARTA, NOVENO_A, assigned=False)
    with started_siges(tmp_path / "log", state) as stand_in:
        [first_school, _] = client(stand_in).schools(MARTA)
    assert [(section.id, section.is_open) for section in first_school.sections] == [
        (SEPTIMO_A, False),
        (NOVENO_D_CLOSED, False),
    ]


def test_the_stand_in_writes_no_number_to_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with started_siges(log) as stand_in:
        verified(client(stand_in), "04561239-7", "0023187")
        verified(client(stand_in), "04561239-7", "0023188")
    written = log.read_text()
    assert "045612397" not in written
    assert "0023187" not in written


def enrolled_in(section_id: str) -> list[tuple[str, str]]:
    with (SAMPLE / "oneroster/enrollments.csv").open(encoding="utf-8", newline="") as file:
        return [
            (row["userSourcedId"], row["metadata.sv.estado"])
            for row in csv.DictReader(file)
            if row["classSourcedId"] == section_id and row["role"] == "student"
        ]


def student_id_is_stored_with_blanks(student_id: str) -> bool:
    with (SAMPLE / "oneroster/users.csv").open(encoding="utf-8-sig", newline="") as file:
        [row] = [row for row in csv.DictReader(file) if row["sourcedId"] == student_id]
    return any(row[column] != row[column].strip() for column in ("givenName", "familyName", "identifier", "email"))
