"""From an export in the bucket to the registry that is kept: what changed, all or nothing, and only if believed."""

import contextlib
import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secciones.adapters.sqlite import SqliteDocuments
from secciones.adapters.stored_registry import StoredRegistry
from secciones.domain.errors import (
    BucketUnavailable,
    DocumentsUnavailable,
    LeaseHeld,
    LeaseLost,
    NotAssigned,
    RegistryUnavailable,
)
from secciones.domain.import_problems import Reason
from secciones.domain.people import Dui, Nip
from secciones.domain.stored_roster import IMPORTS, SCHOOLS, SECTIONS, TEACHERS
from secciones.ports.documents import Document, Transaction
from secciones.services.apply_roster import ImportLease
from secciones.services.confirm_import import confirm_import
from secciones.services.import_roster import State, import_next
from tests.support.fakes import FakeClock
from tests.support.imports import KEPT_FOR, Change, ImportWorld, bundle, delta, moved, seen
from tests.support.oneroster import (
    FLAT_HEADER,
    Tables,
    as_csv,
    changed,
    country,
    enrolment,
    files,
    flat_row,
    gone,
    person,
    section,
    zipped,
)


class CountingDocuments(SqliteDocuments):
    """Counts what is written, and stops at a write when told to."""

    def __init__(self, path: Path, clock: FakeClock) -> None:
        super().__init__(path, clock.now)
        self.written: list[str] = []
        self.transactions_left = -1

    def transact(self, work: Callable[[Transaction], Any]) -> Any:
        if self.transactions_left == 0:
            raise DocumentsUnavailable("stopped by the test")
        self.transactions_left -= 1
        return super().transact(lambda transaction: work(Counting(transaction, self.written)))


class Counting:
    def __init__(self, transaction: Transaction, written: list[str]) -> None:
        self._transaction = transaction
        self._written = written
        self.get = transaction.get
        self.get_many = transaction.get_many
        self.read_ahead = transaction.read_ahead

    def set(self, collection: str, document_id: str, document: Document) -> None:
        self._written.append(collection)
        self._transaction.set(collection, document_id, document)

    def delete(self, collection: str, document_id: str) -> None:
        self._written.append(collection)
        self._transaction.delete(collection, document_id)


@pytest.fixture
def world(tmp_path: Path) -> ImportWorld:
    clock = FakeClock()
    return ImportWorld(CountingDocuments(tmp_path / "documents", clock), clock)


def counting(world: ImportWorld) -> CountingDocuments:
    assert isinstance(world.documents, CountingDocuments)
    return world.documents


def written(world: ImportWorld) -> list[str]:
    """The collections of the documents that were written or removed since this was last asked, leases aside."""
    found = [collection for collection in counting(world).written if collection != IMPORTS]
    counting(world).written.clear()
    return sorted(found)


def listed(world: ImportWorld, teacher: str, section_id: str) -> list[str]:
    return [student.id for student in world.registry.roster(teacher, section_id).students]


def report(world: ImportWorld, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(world.bucket.contents[name][1].decode())))


class TestAnImport:
    def test_of_nothing_is_none(self, world: ImportWorld) -> None:
        assert import_next(world.importer()) is None

    def test_fills_the_registry_and_removes_the_export(self, world: ImportWorld) -> None:
        result = world.imported(bundle(), is_confirmed=False)
        assert (result.state, result.problems) == (State.IMPORTED, 0)
        teacher = world.registry.verify_teacher(Dui.parse("01234567-8"), Nip.parse("12345"))
        assert teacher is not None
        assert (teacher.id, teacher.address) == ("d1", "ana@clases.edu.sv")
        assert [[s.id for s in school.sections] for school in world.registry.schools("d1")] == [["s1"], ["s3"]]
        assert listed(world, "d1", "s1") == ["e1", "e2"]
        assert world.bucket.files("incoming/") == []

    def test_writes_nothing_when_nothing_has_changed(self, world: ImportWorld) -> None:
        world.imported(bundle())
        written(world)
        world.imported(bundle())
        assert written(world) == []

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            pytest.param(lambda tables: tables["users"][2].update(email="otro@clases.edu.sv"),
                         [SCHOOLS, SECTIONS, SECTIONS], id="a student's address"),
            pytest.param(lambda tables: tables["enrollments"].pop(3), [SCHOOLS, SECTIONS, SECTIONS], id="an enrolment"),
            pytest.param(lambda tables: tables["orgs"][1].update(name="Otro"), [SCHOOLS], id="a school's name"),
            pytest.param(lambda tables: tables["enrollments"][2].update(userSourcedId="d1"),
                         [SCHOOLS, TEACHERS], id="who teaches"),
            pytest.param(lambda tables: tables["users"][1].update(email="l2@x.sv"), [TEACHERS], id="a teacher"),
            pytest.param(lambda tables: tables["roles"].pop(1), [SCHOOLS, TEACHERS], id="a teacher's service"),
            pytest.param(lambda tables: tables["classes"].pop(2), [SCHOOLS, SECTIONS, TEACHERS], id="all of a school"),
        ],
    )  # fmt: skip
    def test_writes_only_what_has_changed(self, world: ImportWorld, change: Change, expected: list[str]) -> None:
        world.imported(bundle())
        written(world)
        world.imported(bundle(change))
        assert written(world) == expected

    def test_by_delta_changes_what_the_last_one_has_left(self, world: ImportWorld) -> None:
        world.imported(bundle())
        world.imported(delta(users=[changed(person("e9", "Nueva"))], enrollments=[changed(enrolment("s2", "e9"))]))
        world.imported(delta(enrollments=[gone(enrolment("s2", "e3"))]))
        assert listed(world, "d2", "s2") == ["e9"]

    @pytest.mark.parametrize(
        "names", ["", "academicSessions", "orgs", "orgs users roles", "academicSessions orgs courses classes"]
    )
    def test_may_begin_with_some_files(self, world: ImportWorld, names: str) -> None:
        first = {name: country()[name] for name in names.split()}
        assert world.imported(zipped(files(first))).refused_because is None
        with pytest.raises(NotAssigned) if "users" not in names else contextlib.nullcontext():
            assert world.registry.schools("d1") == ()
        world.imported(bundle())
        assert listed(world, "d1", "s1") == ["e1", "e2"]

    def test_by_delta_needs_a_bulk_before(self, world: ImportWorld) -> None:
        result = world.imported(delta(users=[changed(person("e9", "Nueva"))]))
        assert result.refused_because is not None
        assert result.refused_because.reason is Reason.DELTA_WITHOUT_BULK

    def test_by_delta_changes_nothing_that_came_in_a_flat_file(self, world: ImportWorld) -> None:
        """Its enrolments have no ids: whoever is taken away by one would stay."""
        world.imported(bundle())
        assert world.imported(as_csv(FLAT_HEADER, [flat_row("s1", "e1")]), "flat.csv").state is State.IMPORTED
        result = world.imported(delta(enrollments=[gone(enrolment("s1", "e1"))]))
        assert result.refused_because is not None
        assert result.refused_because.reason is Reason.DELTA_WITHOUT_BULK
        world.imported(bundle())
        assert world.imported(delta(enrollments=[gone(enrolment("s1", "e1"))])).state is State.IMPORTED

    def test_of_a_flat_file_is_told_by_its_name(self, world: ImportWorld) -> None:
        assert world.imported(b"something else", "export.csv").refused_because is not None
        assert report(world, "reports/export.csv#1.csv")[0]["file"] == "export.csv"

    def test_of_a_flat_file_may_come_from_a_system_without_small_letters(self, world: ImportWorld) -> None:
        world.imported(b"something else", "EXPORT.CSV")
        assert report(world, "reports/EXPORT.CSV#1.csv")[0]["reason"] == "wrong_header"

    def test_takes_the_oldest_export_first(self, world: ImportWorld) -> None:
        world.deliver(bundle(), "z-bulk.zip")
        world.deliver(delta(enrollments=[gone(enrolment("s2", "e3"))]), "a-delta.zip")
        assert [import_next(world.importer(most_percent=100)) is not None for _ in range(3)] == [True, True, False]
        assert listed(world, "d2", "s2") == []

    def test_knows_nobody_by_numbers_that_two_have(self, world: ImportWorld) -> None:
        world.imported(bundle(lambda tables: tables["users"][1].update(userIds=tables["users"][0]["userIds"])))
        assert world.registry.verify_teacher(Dui.parse("01234567-8"), Nip.parse("12345")) is None

    def test_is_forgotten_when_no_other_comes(self, world: ImportWorld) -> None:
        world.imported(bundle())
        world.clock.advance(seconds=KEPT_FOR.total_seconds())
        with pytest.raises(RegistryUnavailable):
            world.registry.schools("d1")

    def test_refuses_nobody_when_some_of_it_may_be_forgotten(self, world: ImportWorld) -> None:
        world.imported(bundle())
        world.clock.advance(seconds=KEPT_FOR.total_seconds() * 0.4)
        world.imported(bundle(lambda tables: tables["users"][1].update(email="luis.2@clases.edu.sv")))
        world.clock.advance(seconds=KEPT_FOR.total_seconds() * 0.6)
        assert world.registry.verify_teacher(Dui.parse("04561239-7"), Nip.parse("23187")) is not None
        with pytest.raises(RegistryUnavailable):
            world.registry.verify_teacher(Dui.parse("01234567-8"), Nip.parse("12345"))
        result = world.imported(delta(users=[changed(person("e9", "Nueva"))]))
        assert result.refused_because is not None
        assert result.refused_because.reason is Reason.DELTA_WITHOUT_BULK

    def test_must_have_come_before_anybody_is_refused(self, world: ImportWorld) -> None:
        questions: list[Callable[[], object]] = [
            lambda: world.registry.verify_teacher(Dui.parse("99999999-9"), Nip.parse("1")),
            lambda: world.registry.schools("nobody"),
            lambda: world.registry.roster("nobody", "s1"),
        ]
        for question in questions:
            with pytest.raises(RegistryUnavailable):
                question()
        world.imported(bundle())
        assert questions[0]() is None
        for question in questions[1:]:
            with pytest.raises(NotAssigned):
                question()

    def test_is_kept_longer_when_it_is_imported_again(self, world: ImportWorld) -> None:
        world.imported(bundle())
        for _ in range(4):
            world.clock.advance(seconds=KEPT_FOR.total_seconds() * 0.6)
            world.imported(bundle())
        assert listed(world, "d1", "s1") == ["e1", "e2"]

    def test_holds_no_number_in_clear_in_any_store(self, world: ImportWorld, tmp_path: Path) -> None:
        def change(tables: Tables) -> None:
            tables["orgs"][1]["type"] = "School"
            for teacher, number in zip(tables["users"], ("0012345", "045612397"), strict=False):
                teacher["identifier"] = number

        world.imported(bundle(change))
        kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        kept += b"".join(content for _, content in world.bucket.contents.values())
        kept += repr(world.audit.events).encode()
        assert b"Ana" in kept
        for number in (b"012345678", b"12345678", b"0012345", b"045612397", b"0023187"):
            assert number not in kept


def _disabled(tables: Tables) -> None:
    tables["users"][0]["enabledUser"] = "false"


def _not_a_teacher(tables: Tables) -> None:
    tables["roles"][0]["role"] = "aide"


def _unreadable(tables: Tables) -> None:
    tables["users"][0]["userIds"] = "{DUI:01234567A},{NIP:0012345}"


def _somebody_elses(tables: Tables) -> None:
    tables["users"][0]["userIds"] = "{DUI:012345678},{NIP:0012346}"


class TestWhoIsBelieved:
    @pytest.mark.parametrize("change", [_disabled, _not_a_teacher, _unreadable, _somebody_elses])
    def test_nobody_is_verified_whom_the_export_is_not_sure_of(self, world: ImportWorld, change: Change) -> None:
        world.imported(bundle(change))
        assert world.registry.verify_teacher(Dui.parse("01234567-8"), Nip.parse("12345")) is None

    @pytest.mark.parametrize("change", [_disabled, _not_a_teacher])
    def test_who_is_no_teacher_any_more_is_given_nothing(self, world: ImportWorld, change: Change) -> None:
        world.imported(bundle())
        world.imported(bundle(change))
        with pytest.raises(NotAssigned):
            world.registry.schools("d1")
        with pytest.raises(NotAssigned):
            world.registry.roster("d1", "s1")

    @pytest.mark.parametrize(
        "user_ids",
        [
            "{DUI:12345678},{NIP:12345}",
            "{ NIP : 0012345 }, { dui : 01234567-8 }",
            "{x:1},{DUI: 012345678 },{NIP:12345 }",
        ],
    )
    def test_numbers_are_read_however_they_were_stored(self, world: ImportWorld, user_ids: str) -> None:
        world.imported(bundle(lambda tables: tables["users"][0].update(userIds=user_ids)))
        assert world.registry.verify_teacher(Dui.parse("01234567-8"), Nip.parse("12345")) is not None

    def test_without_the_key_nobody_can_be_verified(self, world: ImportWorld) -> None:
        world.imported(bundle())
        stranger = StoredRegistry(world.documents, "")
        assert stranger.verify_teacher(Dui.parse("01234567-8"), Nip.parse("12345")) is None

    @pytest.mark.parametrize(
        ("state", "is_listed"),
        [("", True), (" ACTIVA ", True), ("retirada", False), ("Anulada", False), ("trasladada", False)],
    )
    def test_only_an_enrolment_that_is_surely_active_is_listed(
        self, world: ImportWorld, state: str, is_listed: bool
    ) -> None:
        values = {"metadata.sv.estado": state}
        world.imported(bundle(lambda tables: tables["enrollments"][5].update(values)))
        roster = world.registry.roster("d2", "s2")
        assert (bool(roster.students), roster.section.student_count) == (is_listed, int(is_listed))

    @pytest.mark.parametrize("state", ["retirada", "Anulada", "trasladada"])
    def test_who_taught_is_given_the_section_no_more(self, world: ImportWorld, state: str) -> None:
        values = {"metadata.sv.estado": state}
        world.imported(bundle(lambda tables: tables["enrollments"][0].update(values)))
        assert [school.id for school in world.registry.schools("d1")] == ["ce2"]
        world.imported(as_csv(FLAT_HEADER, [flat_row("s1", "d1", "teacher", enrolment=state)]), "flat.csv")
        assert world.registry.schools("d1") == ()

    def test_a_class_that_is_no_section_is_not_shown(self, world: ImportWorld) -> None:
        world.imported(bundle(lambda tables: tables["classes"][1].update(classType="scheduled")))
        assert world.registry.schools("d2") == ()


class TestTheReport:
    def test_names_every_row_that_was_left_out_and_nobody(self, world: ImportWorld) -> None:
        def change(tables: Tables) -> None:
            tables["users"][4]["givenName"] = "=HYPERLINK()"
            tables["enrollments"][4]["userSourcedId"] = "nobody"

        result = world.imported(bundle(change))
        assert report(world, result.report) == [
            {"file": "users.csv", "line": "6", "column": "givenName", "reason": "formula"},
            {"file": "roles.csv", "line": "6", "column": "userSourcedId", "reason": "unknown_reference"},
            {"file": "enrollments.csv", "line": "6", "column": "userSourcedId", "reason": "unknown_reference"},
            {"file": "enrollments.csv", "line": "7", "column": "userSourcedId", "reason": "unknown_reference"},
        ]

    def test_says_why_all_was_refused_and_nothing_is_changed(self, world: ImportWorld) -> None:
        world.imported(bundle())
        written(world)
        result = world.imported(b"no archive")
        assert result.state is State.REFUSED
        assert report(world, result.report) == [{"file": "", "line": "", "column": "", "reason": "no_zip"}]
        assert written(world) == []
        assert world.bucket.files("incoming/") == []

    def test_is_in_the_audit_with_numbers_alone(self, world: ImportWorld) -> None:
        world.imported(bundle())
        assert world.audit.outcomes("roster_import") == ["imported"]
        assert world.audit.events[0].details == {
            "export": "roster.zip#1",
            "students_touched": 4,
            "sections_touched": 3,
            "teachers_touched": 2,
            "problems": 0,
        }


class TestALargeChange:
    def test_waits_for_a_persons_word(self, world: ImportWorld) -> None:
        world.imported(bundle())
        written(world)
        result = world.imported(bundle(lambda tables: tables["enrollments"].pop(3)), is_confirmed=False)
        assert result.state is State.UNCONFIRMED
        assert result.tallies["students"].percent() == 25
        assert written(world) == []
        assert listed(world, "d1", "s1") == ["e1", "e2"]

    def test_is_made_when_it_is_confirmed(self, world: ImportWorld) -> None:
        world.imported(bundle())
        world.imported(bundle(lambda tables: tables["enrollments"].pop(3)))
        assert listed(world, "d1", "s1") == ["e2"]
        assert world.audit.outcomes("roster_import") == ["imported", "unconfirmed", "imported"]

    def test_is_not_confirmed_by_the_name_of_another(self, world: ImportWorld) -> None:
        world.imported(bundle())
        first = world.imported(bundle(lambda tables: tables["enrollments"].pop(3)), is_confirmed=False)
        world.deliver(bundle(lambda tables: tables["enrollments"].pop(4)))
        assert confirm_import(world.documents, first.export)
        result = import_next(world.importer())
        assert result is not None
        assert result.state is State.UNCONFIRMED

    def test_that_nobody_asked_about_cannot_be_confirmed(self, world: ImportWorld) -> None:
        assert not confirm_import(world.documents, "roster.zip#1")

    def test_lets_no_later_one_pass(self, world: ImportWorld) -> None:
        world.imported(bundle())
        first = world.imported(bundle(lambda tables: tables["enrollments"].pop(3)), is_confirmed=False)
        world.deliver(delta(users=[changed(person("e9", "Nueva"))]), "later.zip")
        result = import_next(world.importer())
        assert result is not None
        assert (result.export, result.state) == (first.export, State.UNCONFIRMED)

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(lambda tables: tables["users"].pop(1), id="a teacher"),
            pytest.param(
                lambda tables: tables["classes"][1].update(**{"metadata.sv.jornada": "Nocturno"}), id="a section"
            ),
            pytest.param(lambda tables: tables["users"][2].update(givenName="Otra"), id="a student"),
            pytest.param(lambda tables: tables["classes"].append(section("s9", "ce2")), id="a new section"),
            pytest.param(lambda tables: tables["orgs"][1].update(name="Otro"), id="a school"),
        ],
    )
    def test_may_be_one_of_any_kind(self, world: ImportWorld, change: Change) -> None:
        world.imported(bundle())
        assert world.imported(bundle(change), is_confirmed=False).state is State.UNCONFIRMED

    def test_is_told_again_while_it_waits(self, world: ImportWorld) -> None:
        def change(tables: Tables) -> None:
            tables["enrollments"].pop(3)
            tables["users"][6]["givenName"] = "=1+1"

        world.imported(bundle())
        first = world.imported(bundle(change), is_confirmed=False)
        assert (first.state, first.problems) == (State.UNCONFIRMED, 3)
        assert len(report(world, first.report)) == 3
        assert import_next(world.importer()) == first

    def test_stays_confirmed_when_the_import_dies(self, world: ImportWorld) -> None:
        world.imported(bundle())
        first = world.imported(bundle(lambda tables: tables["enrollments"].pop(3)), is_confirmed=False)
        confirm_import(world.documents, first.export)
        counting(world).transactions_left = 4
        with pytest.raises(DocumentsUnavailable):
            import_next(world.importer())
        counting(world).transactions_left = -1
        world.clock.advance(hours=1)
        result = import_next(world.importer())
        assert result is not None
        assert result.state is State.IMPORTED


class TestTwoImports:
    def test_do_not_run_at_once(self, world: ImportWorld) -> None:
        world.deliver(bundle())
        ImportLease(world.documents, world.clock)
        with pytest.raises(LeaseHeld):
            import_next(world.importer())

    def test_do_not_mix_when_one_stood_still(self, world: ImportWorld) -> None:
        slow = ImportLease(world.documents, world.clock)
        world.clock.advance(hours=1)
        world.imported(bundle())
        with pytest.raises(LeaseLost):
            slow.write(lambda transaction: transaction.set(SCHOOLS, "x", {}))

    def test_may_follow_one_another_at_once(self, world: ImportWorld) -> None:
        world.imported(bundle())
        assert world.imported(bundle()).state is State.IMPORTED

    def test_find_the_export_again_after_the_bucket_failed(self, world: ImportWorld) -> None:
        world.deliver(bundle())
        world.bucket.is_down = True
        with pytest.raises(BucketUnavailable):
            import_next(world.importer())
        world.bucket.is_down = False
        result = import_next(world.importer())
        assert result is not None
        assert result.state is State.IMPORTED


@pytest.mark.parametrize("steps", range(20))
def test_a_reader_sees_a_school_as_it_was_or_as_it_is_wherever_an_import_dies(world: ImportWorld, steps: int) -> None:
    world.imported(bundle())
    before = seen(world.registry)
    world.deliver(bundle(moved))
    counting(world).transactions_left = steps
    with contextlib.suppress(DocumentsUnavailable):
        import_next(world.importer(most_percent=1000))
    counting(world).transactions_left = -1
    between = seen(world.registry)
    world.clock.advance(hours=1)
    world.imported(bundle(moved))
    after = seen(world.registry)
    assert before != after
    for school, roster in between.items():
        # Until all schools have changed, a teacher's document may not name every school; what it shows is whole.
        assert roster.items() <= before[school].items() or roster.items() <= after[school].items()


def _some(tables: Tables, drawn: list[tuple[int, int]]) -> None:
    """Sections, students and teachers as they may come and go."""
    for kind, number in drawn:
        match kind:
            case 0:
                tables["users"].append(person(f"x{len(tables['users'])}", f"Nombre {number}"))
                tables["enrollments"].append(enrolment("s1", tables["users"][-1]["sourcedId"]))
            case 1:
                tables["enrollments"].pop(number % len(tables["enrollments"]))
            case 2:
                tables["users"][2 + number % 5]["familyName"] = f"Apellido {number}"
            case 3:
                tables["classes"].append(section(f"n{len(tables['classes'])}", "ce2", title=f"{number}"))
            case _:
                tables["classes"][number % 3]["schoolSourcedId"] = ("ce1", "ce2")[number % 2]


@settings(max_examples=25)
@given(st.lists(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 30)), max_size=6), min_size=1, max_size=3))
def test_whatever_came_before_the_same_export_gives_the_same_registry(
    tmp_path_factory: pytest.TempPathFactory, histories: list[list[tuple[int, int]]]
) -> None:
    folder = tmp_path_factory.mktemp("histories")
    worlds = [ImportWorld(SqliteDocuments(folder / name, FakeClock().now)) for name in ("by many imports", "by one")]
    for history in histories:
        worlds[0].imported(bundle(lambda tables, history=history: _some(tables, history)))  # type: ignore[misc]
    worlds[1].imported(bundle(lambda tables: _some(tables, histories[-1])))
    assert seen(worlds[0].registry) == seen(worlds[1].registry)
    assert kept(worlds[0]) == kept(worlds[1])


def kept(world: ImportWorld) -> dict[str, set[str]]:
    """The ids of all documents: nothing is left behind."""
    return {
        name: {key for key, _ in world.documents.query(name, {}, "expires_at", 1000)}
        for name in (SCHOOLS, SECTIONS, TEACHERS)
    }
