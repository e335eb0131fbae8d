"""Every template with every state that it can show, as data: for tests, and for whoever wants pictures."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from secciones.domain.batches import Batch, BatchSection, BatchState, Row
from secciones.domain.outcomes import Outcome
from secciones.domain.roster import School, Section
from secciones.domain.standings import EarlierReset, Standing
from secciones.services.arrange_students import Order, Wish, arrange, groups_of
from secciones.services.list_batches import BatchView
from secciones.services.list_sections import StudentRow
from secciones.services.request_reset import SectionSelection

NOON = datetime(2026, 2, 9, 18, 0, tzinfo=UTC)
NOT_CHANGED = (
    Outcome.NO_ADDRESS,
    Outcome.MALFORMED_ADDRESS,
    Outcome.SHARED_ADDRESS,
    Outcome.NOT_FOUND,
    Outcome.SUSPENDED,
    Outcome.ADMINISTRATOR,
    Outcome.NOT_A_STUDENT,
    Outcome.ALIAS,
    Outcome.RESET_BY_COLLEAGUE,
    Outcome.RESET_BY_YOU,
    Outcome.SIGNED_IN,
    Outcome.REFUSED,
    Outcome.UNFINISHED,
)
NO_WISH = Wish()
SYSTEMS = ("siges", "google", "store")


@dataclass(frozen=True)
class User:
    """The signed-in teacher as the header shows them."""

    name: str = "Marta Alicia Guardado de Henríquez"
    initial: str = "M"
    address: str = "marta.guardado.henriquez@clases.edu.sv"


@dataclass(frozen=True)
class Sample:
    """A template and what it is rendered with; `state` tells samples of one template apart."""

    template: str
    state: str = ""
    context: dict[str, Any] = field(default_factory=dict)
    user: User | None = User()

    @property
    def name(self) -> str:
        """What the sample is called in a test's name and in a picture's."""
        return "-".join(part for part in (self.template.replace("/", "-").removesuffix(".html"), self.state) if part)


@dataclass(frozen=True)
class Words:
    """The texts that come from people and registries: the usual ones, or the worst ones."""

    person: str = "Guardado de la O, María de los Ángeles Estefanía"
    school: str = "Complejo Educativo Profesora Rosaura Menjívar de Quintanilla"
    grade: str = "Séptimo Grado"
    place: str = "San Salvador Este"
    id: str = "sec-2026-99101-001"
    address: str = "20410742@clases.edu.sv"


HOSTILE_TEXT = "</title><script>alert(\"1\")</script><img src=x onerror='alert(2)'> {{ 7 * 7 }} &amp; O'Higgins"
HOSTILE = Words(
    person=HOSTILE_TEXT,
    school=HOSTILE_TEXT * 3,
    grade=HOSTILE_TEXT,
    place="x" * 300,
    id="../\"><script>alert(1)</script>?a=b&c#d' onclick='e",
    address="y" * 200 + "@<b>clases.edu.sv",
)


def samples(words: Words, students: int = 28) -> Iterator[Sample]:
    """All samples with these words; lists of students are `students` long."""
    user = User(words.person, words.person[:1], words.address)
    for sample in (*_entrance(words), *_choosing(words, students), *_batches(words, students), *_errors(words)):
        yield replace(sample, user=user) if sample.user else sample


def _entrance(words: Words) -> Iterator[Sample]:
    for notice in ("", "signed_out"):
        yield Sample("pages/landing.html", notice, {"notice": notice}, user=None)
    yield Sample("pages/landing.html", "signed_in", {"notice": ""})
    yield Sample("pages/guide.html", context={"address": "https://www.clases.edu.sv/secciones/"})
    fresh = {"name": words.person, "dui": "", "problems": {}, "refused": False, "check_digit_hint": False}
    yield Sample("pages/identity.html", "", fresh)
    yield Sample("pages/identity.html", "missing", {**fresh, "problems": {"dui": "missing", "nip": "missing"}})
    yield Sample(
        "pages/identity.html",
        "invalid",
        {**fresh, "dui": words.person, "problems": {"dui": "invalid", "nip": "invalid"}, "check_digit_hint": True},
    )
    yield Sample("pages/identity.html", "refused", {**fresh, "dui": "01234567-8", "refused": True})
    yield Sample("pages/identity.html", "hint", {**fresh, "dui": "01234567-0", "check_digit_hint": True})


def _choosing(words: Words, students: int) -> Iterator[Sample]:
    schools = (school(words), replace(school(words), id="ce-99204", name="Centro Escolar Colonia Los Izotes"))
    chosen = schools[0]
    page = "pages/schools.html"
    none: dict[str, Any] = {"ticked": {}, "form_nonce": "nonce"}
    yield Sample(page, "none", {"schools": (), "school": None, "sections": (), **none})
    yield Sample(page, "list", {"schools": schools, "school": None, "sections": (), **none})
    yield Sample(page, "one", {"schools": schools[:1], "school": chosen, "sections": chosen.sections[:1], **none})
    yield Sample(page, "chosen", {"schools": schools, "school": chosen, "sections": chosen.sections, **none})
    ticked = {"ticked": {chosen.sections[0].id: 1, chosen.sections[2].id: 12}, "form_nonce": "nonce"}
    yield Sample(page, "ticked", {"schools": schools, "school": chosen, "sections": chosen.sections, **ticked})
    yield Sample(page, "closed", {"schools": schools, "school": chosen, "sections": (), **none})
    rows = [student_row(words, number) for number in range(students)]
    section = {"schools": schools, "school": chosen, "section": chosen.sections[0], "form_nonce": "nonce"}
    for state, wish in (
        ("", Wish()),
        ("searched", Wish(search="estefania 20410744", order=Order.NIE, ticked=[row.student_id for row in rows[:3]])),
        ("not_found", Wish(search="nadie")),
    ):
        yield Sample("pages/students.html", state, {**section, **class_list(rows, wish)})
    unknown = class_list([replace(row, standing=None) for row in rows])
    yield Sample("pages/students.html", "unknown", {**section, **unknown, "whole_since": None})
    yield Sample("pages/students.html", "over_limit", {**section, **class_list(rows), "limit": 10})
    yield Sample("pages/students.html", "elsewhere", {**section, **class_list(rows), "elsewhere": 12})
    yield Sample("pages/students.html", "empty", {**section, **class_list([])})
    for count in (1, students):
        yield Sample("pages/confirm.html", f"{count}", confirmation(words, chosen, count))
    earlier = {"follows": batch(words, students, BatchState.CLOSED)}
    yield Sample("pages/confirm.html", "follows", {**confirmation(words, chosen, students), **earlier})
    whole = confirmation(words, chosen, students)
    refused = tuple(row for row in whole["parts"][0].rows if row.refusal)
    hopeless = tuple(row for row in refused if row.problem)
    for state, rows_of in (("nobody", refused), ("hopeless", hopeless)):
        yield Sample("pages/confirm.html", state, {**whole, "parts": [replace(whole["parts"][0], rows=rows_of)]})
    second = SectionSelection(schools[1], chosen.sections[1], (replace(student_row(words, 2), student_id="e-2"),))
    yield Sample("pages/confirm.html", "two_sections", {**whole, "parts": [*whole["parts"], second]})


def class_list(rows: list[StudentRow], wish: Wish = NO_WISH) -> dict[str, Any]:
    """What the page of a section shows of its students."""
    return {
        "count": len(rows),
        "students": arrange(rows, wish, NOON),
        "groups": {row.student_id: groups_of(row, NOON) for row in rows},
        "wish": wish,
        "elsewhere": 0,
        "limit": 200,
        "whole_since": NOON - timedelta(hours=1),
        "now": NOON,
    }


def confirmation(words: Words, chosen: School, count: int) -> dict[str, Any]:
    """What the page that asks to confirm is rendered with."""
    rows = [student_row(words, number) for number in range(count)]
    return {
        "parts": [SectionSelection(chosen, chosen.sections[0], tuple(rows))],
        "whole_since": NOON - timedelta(hours=1),
        "now": NOON,
        "follows": None,
        "form_nonce": "nonce",
    }


def _batches(words: Words, students: int) -> Iterator[Sample]:
    for state in (BatchState.ACCEPTED, BatchState.QUEUED, BatchState.RUNNING, BatchState.UPDATED):
        context = {"batch": batch(words, students, state), "total": students, "outcomes": Outcome}
        yield Sample("pages/progress.html", state.value, context)
    mailed = batch(words, students, BatchState.MAILED)
    listed = [
        BatchView(batch(words, students, state), {f"e-{number}": NOON for number in range(4)}, NOON)
        for state in BatchState
    ]
    listed.append(BatchView(replace(batch(words, students, BatchState.PARTIAL), mailed_at=None), {}, NOON))
    yield Sample("pages/batches.html", "", {"batches": listed, "days": 30, "now": NOON})
    yield Sample("pages/batches.html", "none", {"batches": [], "days": 30, "now": NOON})
    yield Sample("pages/result.html", "mailed", result(mailed))
    all_changed = replace(mailed, rows=tuple(replace(row, outcome=Outcome.CHANGED) for row in mailed.rows))
    yield Sample("pages/result.html", "all_changed", result(all_changed))
    told = tuple(replace(row, reset_by=words.person, reset_at=NOON) for row in all_changed.rows)
    yield Sample("pages/result.html", "overridden", result(replace(all_changed, rows=told)))
    yield Sample("pages/result.html", "resending", result(replace(mailed, resends=1)))
    yield Sample("pages/result.html", "resent", result(replace(mailed, resends=2, resends_done=2)))
    not_resent = replace(mailed, resends=3, resends_done=3, resend_failure="invalidArgument")
    yield Sample("pages/result.html", "not_resent", result(not_resent))
    used = {row.student_id: NOON + timedelta(hours=1) for row in mailed.rows_with(Outcome.CHANGED)[::3]}
    yield Sample("pages/result.html", "days_later", result(mailed, timedelta(days=2), used))
    both = (*mailed.sections, replace(mailed.sections[0], id="t", school_id="ce-99204"))
    rows = tuple(replace(row, section_id="st"[place % 2]) for place, row in enumerate(mailed.rows))
    of_two = replace(mailed, sections=both, rows=rows)
    yield Sample("pages/result.html", "two_sections", result(of_two, timedelta(days=2)))
    kept_back = replace(all_changed, state=BatchState.PARTIAL, mailed_at=None, mail_failure="invalidArgument")
    yield Sample("pages/result.html", "all_changed_unmailed", result(kept_back))
    none_changed = replace(mailed, rows=tuple(replace(row, outcome=Outcome.NOT_FOUND) for row in mailed.rows[:1]))
    yield Sample("pages/result.html", "none_changed", result(none_changed))
    cut_short = tuple(
        replace(row, outcome=(Outcome.UNFINISHED, Outcome.UNCONFIRMED, Outcome.CHANGED)[place % 3])
        for place, row in enumerate(mailed.rows)
    )
    partial = replace(mailed, state=BatchState.PARTIAL, rows=cut_short)
    yield Sample("pages/result.html", "partial_mailed", result(partial))
    unmailed = replace(partial, mailed_at=None, mail_failure="failedPrecondition")
    yield Sample("pages/result.html", "partial_unmailed", result(unmailed))
    nothing = replace(unmailed, rows=tuple(replace(row, outcome=Outcome.UNFINISHED) for row in mailed.rows))
    yield Sample("pages/result.html", "partial_nothing", result(nothing))


def _errors(words: Words) -> Iterator[Sample]:
    back = "/secciones/centros/ce-99101/sec-2026-99101-001"
    pages: tuple[tuple[str, int, dict[str, Any]], ...] = (
        ("wrong_domain", 403, {}),
        ("not_a_teacher", 403, {}),
        ("two_step_required", 403, {}),
        ("sign_in_failed", 400, {}),
        ("session_expired", 401, {}),
        ("form_expired", 403, {}),
        ("identity_locked", 429, {"until": NOON + timedelta(hours=3, minutes=45)}),
        ("identity_too_old", 403, {"ticked": []}),
        ("nothing_selected", 422, {"back": back}),
        ("too_many_selected", 422, {"back": back, "limit": 200}),
        ("section_closed", 409, {}),
        ("not_found", 404, {}),
        ("form_already_used", 409, {"batch_url": "/secciones/resultado/abcdefghijklmnopqrstuvwxyz"}),
        ("too_many_batches", 429, {"limit": 3, "until": NOON}),
        ("resend_refused", 409, {"batch_url": "/secciones/resultado/abcdefghijklmnopqrstuvwxyz"}),
        ("bad_request", 400, {}),
        ("method_not_allowed", 405, {}),
        ("too_large", 413, {}),
        ("internal", 500, {}),
        ("paused", 503, {"notice": ""}),
        *(("unavailable", 503, {"system": system, "back": back, "now": NOON}) for system in SYSTEMS),
    )
    for name, status, context in pages:
        sample = Sample(f"errors/{name}.html", context.get("system", ""), {"status": status, **context})
        yield sample
        yield replace(sample, state=f"{sample.state}-anonymous".lstrip("-"), user=None)
    ticked = {"status": 403, "back": back, "ticked": [f"{words.id}-{number}" for number in range(3)]}
    yield Sample("errors/identity_too_old.html", "ticked", ticked)
    yield Sample("errors/paused.html", "with_notice", {"status": 503, "notice": words.place})
    yield Sample("errors/identity_locked.html", "until_unlocked", {"status": 429, "until": None})


def school(words: Words, sections: int = 12) -> School:
    """A school with sections, some of them closed in no registry."""
    return School(
        id=words.id,
        code="99101",
        name=words.school,
        department="San Salvador",
        municipality=words.place,
        sections=tuple(
            Section(f"{words.id}-{n}", f"99101-{n:03}", "ABC"[n % 3], words.grade, "Matutino", True, 1 + n * 3)
            for n in range(sections)
        ),
    )


def student_row(words: Words, number: int) -> StudentRow:
    """A student; every seventh has an address that cannot be used."""
    problem = (Outcome.NO_ADDRESS, Outcome.SHARED_ADDRESS)[number % 2] if number % 7 == 3 else None
    address = "" if problem is Outcome.NO_ADDRESS else words.address
    nie = "" if not address else f"{20410742 + number}"
    known = None if problem else standing(words, number)
    return StudentRow(f"{words.id}-{number}", f"{words.person} {number}", nie, address, problem, known)


def standing(words: Words, number: int) -> Standing:
    """Where an account stands: each kind is among the first dozen."""
    match number % 12:
        case 0:
            return Standing(f"g-{number}", None, NOON - timedelta(hours=2))
        case 1:
            return Standing(f"g-{number}", None, None, EarlierReset(words.person, False, NOON - timedelta(hours=4)))
        case 2:
            return Standing(f"g-{number}", None, NOON - timedelta(days=1))
        case 4:
            return Standing("", Outcome.NOT_FOUND, None)
        case 5:
            return Standing(f"g-{number}", Outcome.SUSPENDED, None)
        case 6:
            return Standing(f"g-{number}", None, NOON - timedelta(days=200))
        case 7:
            reset = EarlierReset(words.person, True, NOON - timedelta(days=6))
            return Standing(f"g-{number}", None, NOON - timedelta(days=5), reset)
        case _:
            return Standing(f"g-{number}", None, None)


def batch(words: Words, students: int, state: BatchState) -> Batch:
    """A batch in a state: half done while it runs, afterwards with one row of every outcome."""
    section = BatchSection("s", words.id, "99101", words.school, words.grade, "A", "Matutino")
    is_over = state in {BatchState.MAILED, BatchState.CLOSED, BatchState.PARTIAL}
    return Batch(
        id="abcdefghijklmnopqrstuvwxyz",
        actor="actor",
        teacher_id="teacher",
        teacher_name=words.person,
        teacher_address=words.address,
        sections=(section,),
        rows=tuple(batch_row(words, number, is_over) for number in range(students)),
        password_version=1,
        created_at=NOON,
        deadline=NOON + timedelta(hours=1),
        expires_at=NOON + timedelta(days=30),
        state=state,
        mailed_at=NOON + timedelta(minutes=1) if is_over else None,
    )


def batch_row(words: Words, number: int, is_over: bool) -> Row:
    """A student of a batch."""
    ending = NOT_CHANGED[number] if number < len(NOT_CHANGED) else Outcome.CHANGED
    outcome = ending if is_over else (Outcome.CHANGED, Outcome.PENDING)[number % 2]
    return Row(
        student_id=f"{words.id}-{number}",
        section_id="s",
        nie=f"{20410742 + number}",
        name=f"{words.person} {number}",
        address="" if outcome is Outcome.NO_ADDRESS else words.address,
        outcome=outcome,
        reset_by=words.person if outcome is Outcome.RESET_BY_COLLEAGUE else "",
        reset_at=NOON if outcome is Outcome.RESET_BY_COLLEAGUE else None,
    )


def result(
    ended: Batch, later: timedelta = timedelta(minutes=2), signed_in: dict[str, datetime] | None = None
) -> dict[str, Any]:
    """What the result page is rendered with, some time after the submit."""
    return {
        "may_be_resent": ended.may_be_resent(NOON + later),
        "may_be_followed": ended.may_be_followed(NOON + later),
        "form_nonce": "nonce",
        "batch": ended,
        "view": BatchView(ended, signed_in or {}, NOON + later),
        "now": NOON + later,
        "changed": ended.rows_with(Outcome.CHANGED),
        "not_changed": ended.rows_with(*NOT_CHANGED),
        "unconfirmed": ended.rows_with(Outcome.UNCONFIRMED),
    }
