"""The operators' desk: what is asked, what is answered, what the audit knows, and what nobody ever learns."""

import json
from pathlib import Path
from typing import Any

import flask
import pytest

from secciones.adapters.sqlite import SqliteDocuments
from secciones.domain.batches import BatchState
from secciones.domain.errors import DocumentsUnavailable, MailRefused, ResetsPaused
from secciones.domain.people import Dui
from secciones.ports.audit import AuditEvent
from secciones.services.confirm_import import ask_for_confirmation, confirmation_of
from secciones.services.pause import find_pause
from secciones.services.verify_identity import pseudonym
from secciones.tasks.answers import answer
from secciones.tasks.operate_task import Desk, operate_once
from tests.support.world import SESSION, VERIFICATION, World
from tests.unit.services.test_unlock import attempt, fail
from tests.unit.tasks.test_answers import CALLER, post

DUI, NIP = "01234567-8", "0012345"
ACTOR = pseudonym(Dui("012345678"), VERIFICATION.pseudonym_secret)
WHO = {"operator": "marta.rivas@mined.gob.sv", "reason": "La docente llamó a la mesa de ayuda"}


def asked(world: World, body: object, token: str = "good") -> flask.Response:
    desk = Desk(world.documents, world.queue, world.audit, world.clock, VERIFICATION.pseudonym_secret)
    return answer(lambda: operate_once(post(body, token), CALLER, desk))


def told(world: World, **body: Any) -> Any:
    response = asked(world, WHO | body)
    assert response.status_code == 200, response.get_data(as_text=True)
    return response.get_json()


def operations(world: World) -> list[AuditEvent]:
    return [event for event in world.audit.events if event.kind == "operation"]


def mailed(world: World) -> str:
    batch_id = world.submit()
    world.work(batch_id)
    world.queue.tasks.clear()
    return batch_id


def test_a_dui_is_unlocked(world: World) -> None:
    fail(world, 3)
    assert told(world, action="unlock", dui=DUI)["forgotten"] == {"hour": 3, "day": 3, "total": 3}
    assert told(world, action="unlock", actor=ACTOR)["forgotten"] == {}
    assert [(event.outcome, event.actor) for event in operations(world)] == [("unlock", ACTOR)] * 2


def test_a_binding_is_released(world: World) -> None:
    attempt(world, NIP)
    assert told(world, action="release", dui=DUI) == {
        "action": "release",
        "actor": ACTOR,
        "was_bound": True,
        "sessions_ended": 1,
    }
    assert not told(world, action="release", dui=DUI)["was_bound"]


def test_a_batch_is_told_without_names_and_passwords(world: World) -> None:
    batch_id = mailed(world)
    report = told(world, action="report", batch=batch_id)
    assert (report["state"], report["outcomes"]) == ("mailed", {"changed": 3})
    assert report["accounts"][0] == {"account": "1000000@clases.edu.sv", "outcome": "changed"}
    text = json.dumps(report)
    assert not [password for password in world.directory.held().values() if password in text]
    assert "Ramos" not in text


def test_a_teachers_batches_are_told_newest_first(world: World) -> None:
    first = mailed(world)
    world.clock.advance(hours=2)
    second = world.submit(nonce="b" * 43)
    report = told(world, action="report", teacher=SESSION.address.upper())
    assert [batch["batch"] for batch in report["batches"]] == [second, first]


def test_a_mail_is_sent_again_as_often_as_needed_while_there_is_a_seed(world: World) -> None:
    batch_id = mailed(world)
    for number in (1, 2, 3, 4, 5):
        assert told(world, action="resend", batch=batch_id, number=number)["resends"] == number
        world.work(batch_id)
    assert len(world.mailer.sent) == 6
    assert len({mail.text for mail in world.mailer.sent}) == 1
    world.clock.advance(hours=25)
    world.sweep()
    assert asked(world, WHO | {"action": "resend", "batch": batch_id, "number": 6}).status_code == 409


def test_the_same_call_twice_asks_for_one_mail(world: World) -> None:
    batch_id = mailed(world)
    for _ in range(3):
        told(world, action="resend", batch=batch_id, number=1)
    world.work(batch_id)
    told(world, action="resend", batch=batch_id, number=1)
    assert len(world.queue.tasks) == 1
    assert len(world.mailer.sent) == 2


def test_a_mail_that_gmail_refused_is_sent_when_the_cause_is_mended_and_the_teacher_sees_it(world: World) -> None:
    world.mailer.failure = MailRefused("invalidArgument")
    batch_id = mailed(world)
    assert world.batch(batch_id).state is BatchState.PARTIAL
    world.mailer.failure = None
    assert told(world, action="report", batch=batch_id)["may_be_resent"]
    told(world, action="resend", batch=batch_id, number=1)
    world.work(batch_id)
    batch = world.batch(batch_id)
    assert (batch.was_delivered, batch.mail_failure, batch.resend_failure) == (True, "", "")
    assert all(password in world.mailer.sent[0].text for password in world.directory.held().values())


def test_a_teacher_is_not_offered_a_mail_whose_seed_will_be_gone(world: World) -> None:
    """It was accepted late, and only the seed counts."""
    world.mailer.failure = MailRefused("invalidArgument")
    batch_id = mailed(world)
    world.mailer.failure = None
    world.clock.advance(hours=23)
    told(world, action="resend", batch=batch_id, number=1)
    world.work(batch_id)
    now = world.clock.now()
    assert world.batch(batch_id).may_be_resent(now)
    world.clock.advance(hours=2)
    assert not world.batch(batch_id).may_be_resent(world.clock.now())


def test_a_batch_is_cancelled_and_its_mail_cannot_be_had_any_more(world: World) -> None:
    batch_id = world.submit()
    cancelled = told(world, action="cancel", batch=batch_id)
    assert (cancelled["state"], cancelled["mail_failure"]) == ("partial", "cancelled")
    assert not cancelled["may_be_resent"]
    assert asked(world, WHO | {"action": "resend", "batch": batch_id, "number": 1}).status_code == 409
    assert told(world, action="cancel", batch=batch_id) == cancelled


def test_all_resets_are_paused_and_resumed(world: World) -> None:
    first = told(world, action="pause", notice="Estamos revisando un incidente.")
    assert first["paused"]
    assert told(world, action="pause")["since"] == first["since"]
    with pytest.raises(ResetsPaused):
        world.submit()
    assert told(world, action="resume")["was_paused"]
    assert told(world, action="resume") == {"action": "resume", "paused": False, "was_paused": False}
    assert find_pause(world.documents) is None
    assert [event.outcome for event in operations(world)] == ["pause", "pause", "resume", "resume"]


def test_an_export_that_waits_is_confirmed_and_no_other(world: World) -> None:
    ask_for_confirmation(world.documents, world.clock, "roster.zip#17", {})
    assert told(world, action="confirm", export="roster.zip#17")["was_waiting"]
    assert not told(world, action="confirm", export="roster.zip#18")["was_waiting"]
    assert (confirmation_of(world.documents, "roster.zip#17") or {})["is_confirmed"]
    assert world.audit.events[-1].details["export"] == "roster.zip#18"


def test_the_audit_knows_who_asked_and_why_and_the_log_as_well(world: World, log_lines: list[dict[str, Any]]) -> None:
    batch_id = mailed(world)
    told(world, action="resend", batch=batch_id, number=1)
    [event] = operations(world)
    assert (event.outcome, event.batch) == ("resend", batch_id)
    assert event.details == WHO | {"number": 1}
    acted = [line for line in log_lines if line["message"] == "an operator acted"]
    assert [(line["severity"], line["action"], line["operator"]) for line in acted] == [
        ("NOTICE", "resend", WHO["operator"])
    ]


class Deaf:
    """An audit whose store does not answer."""

    def record(self, event: AuditEvent) -> None:
        raise DocumentsUnavailable("x")


def test_what_the_audit_cannot_know_is_not_done(world: World) -> None:
    desk = Desk(world.documents, world.queue, Deaf(), world.clock, VERIFICATION.pseudonym_secret)
    response = answer(lambda: operate_once(post(WHO | {"action": "pause"}), CALLER, desk))
    assert response.status_code == 503
    assert find_pause(world.documents) is None


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "the body"),
        (b"{", "the body"),
        (b"[" * 4000, "the body"),
        (b'{"action": "' + b"a" * 5000 + b'"}', "the body"),
        ([], "the body"),
        ({}, "action"),
        ({"action": "delete"}, "action"),
        ({"action": ["unlock"]}, "action"),
        ({"action": "pause"}, "operator: is missing"),
        (WHO | {"action": "pause", "reason": None}, "reason: is missing"),
        (WHO | {"action": "pause", "reason": "x"}, "reason"),
        (WHO | {"action": "pause", "reason": "dos\nlíneas"}, "reason"),
        (WHO | {"action": "pause", "reason": "x" * 501}, "reason"),
        (WHO | {"action": "pause", "reason": f"El DUI {DUI} está bloqueado"}, "reason"),
        (WHO | {"action": "pause", "reason": "El DUI 1234567-8 está bloqueado"}, "reason"),
        (WHO | {"action": "pause", "notice": "Llame con su NIP 0012345"}, "notice"),
        (WHO | {"action": "pause", "operator": "Marta"}, "operator"),
        (WHO | {"action": "pause", "operator": 7}, "operator"),
        (WHO | {"action": "pause", "because": "x"}, "other fields"),
        (WHO | {"action": "confirm"}, "export: is missing"),
        (WHO | {"action": "confirm", "export": "roster.zip"}, "export"),
        (WHO | {"action": "confirm", "export": 17}, "export"),
        (WHO | {"action": "unlock"}, "dui or actor"),
        (WHO | {"action": "unlock", "dui": DUI, "actor": ACTOR}, "dui or actor"),
        (WHO | {"action": "unlock", "dui": "0123-A"}, "dui"),
        (WHO | {"action": "unlock", "dui": 12345678}, "dui"),
        (WHO | {"action": "unlock", "actor": "../teachers"}, "actor"),
        (WHO | {"action": "release"}, "dui or actor"),
        (WHO | {"action": "report", "batch": "ABCDEFGH"}, "batch"),
        (WHO | {"action": "report"}, "batch or teacher"),
        (WHO | {"action": "report", "teacher": "x"}, "teacher"),
        (WHO | {"action": "resend", "batch": "a" * 26}, "number: is missing"),
        (WHO | {"action": "resend", "batch": "a" * 26, "number": True}, "number"),
        (WHO | {"action": "resend", "batch": "a" * 26, "number": "1"}, "number"),
        (WHO | {"action": "resend", "batch": "a" * 26, "number": 0}, "number"),
    ],
    ids=lambda value: repr(value)[-40:],
)
def test_what_no_operator_can_have_meant_is_said_and_nothing_is_done(
    world: World, body: object, complaint: str
) -> None:
    response = asked(world, body)
    assert response.status_code == 400
    assert [problem for problem in response.get_json()["errors"] if problem.startswith(complaint)]
    assert not world.audit.events
    assert find_pause(world.documents) is None


def test_all_that_is_wrong_is_said_at_once_and_no_value_is_repeated(
    world: World, log_lines: list[dict[str, Any]]
) -> None:
    body = {"action": "unlock", "operator": DUI, "reason": DUI, "dui": f"{DUI}-1", DUI: DUI}
    response = asked(world, body)
    assert len(response.get_json()["errors"]) == 4
    assert DUI not in response.get_data(as_text=True) + json.dumps(log_lines)


@pytest.mark.parametrize(
    "body",
    [
        {"action": "report", "batch": "a" * 26},
        {"action": "report", "teacher": "nadie@clases.edu.sv"},
        {"action": "resend", "batch": "a" * 26, "number": 1},
        {"action": "cancel", "batch": "a" * 26},
    ],
    ids=str,
)
def test_what_does_not_exist_is_404(world: World, body: dict[str, object]) -> None:
    assert asked(world, WHO | body).status_code == 404


@pytest.mark.parametrize("number", [2, 9])
def test_a_number_that_is_not_the_next_asks_for_nothing(world: World, number: int) -> None:
    batch_id = mailed(world)
    assert asked(world, WHO | {"action": "resend", "batch": batch_id, "number": number}).status_code == 409
    assert not world.queue.tasks


def test_a_running_batchs_mail_is_not_asked_for(world: World) -> None:
    batch_id = world.submit()
    assert asked(world, WHO | {"action": "resend", "batch": batch_id, "number": 1}).status_code == 409
    assert not told(world, action="report", batch=batch_id)["may_be_resent"]


def test_a_system_that_does_not_answer_is_503_and_the_call_can_be_repeated(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object) -> None:
        raise DocumentsUnavailable("x")

    with monkeypatch.context() as patch:
        patch.setattr(SqliteDocuments, "transact", down)
        assert asked(world, WHO | {"action": "pause"}).status_code == 503
    assert told(world, action="pause")["paused"]


def test_a_dui_is_in_no_log_no_store_no_audit_and_no_answer(
    world: World, tmp_path: Path, log_lines: list[dict[str, Any]]
) -> None:
    attempt(world, NIP)
    fail(world, 2, subject="stranger")
    answers = [
        asked(world, WHO | {"action": action, "dui": dui}).get_data(as_text=True)
        for action in ("unlock", "release")
        for dui in (DUI, "012345678", "1234567-8")
    ]
    kept = [path.read_bytes() for path in tmp_path.iterdir()]
    assert kept
    everything = json.dumps([answers, log_lines, repr(world.audit.events)]) + repr(kept)
    assert "1234567" not in everything


def test_only_operators_are_listened_to(world: World) -> None:
    for token in ("", "forged", "good" * 3000):
        assert asked(world, WHO | {"action": "pause"}, token).status_code == 401
    assert find_pause(world.documents) is None
    assert not world.audit.events


def test_an_operators_mail_waits_for_the_end_of_a_pause(world: World) -> None:
    batch_id = mailed(world)
    told(world, action="pause")
    told(world, action="resend", batch=batch_id, number=1)
    with pytest.raises(ResetsPaused):
        world.work(batch_id)
    told(world, action="resume")
    world.work(batch_id)
    assert len(world.mailer.sent) == 2
    assert world.batch(batch_id).resends_done == 1
