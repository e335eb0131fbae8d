"""Threat: a teacher with every right resets children again and again. Guards: three batches a day, counted in the
transaction that records one (`services/request_reset.py`); an account that was reset is left alone for a day
(`services/claims.py`); a mail comes again three times and only after DUI and NIP.

Take out `_counter_below_limit`, `claim_accounts` or the route's step, and a test here turns red.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from secciones.domain.errors import TooManyBatches
from secciones.domain.outcomes import Outcome
from tests.support.site import Answer, Pages
from tests.support.world import SCHOOL, SECTION, World


def procesar(pages: Pages, cookie: str, nonce: str, *, confirmed: bool = True, student: str = "e-0") -> Answer:
    form = {"form_nonce": nonce * 43, "school": SCHOOL.id, "section": SECTION.id, "student": student}
    return pages.post("/secciones/restablecer", cookie, form | ({"confirmed": "yes"} if confirmed else {}))


def test_a_fourth_batch_of_a_day_is_refused_and_nothing_is_recorded(world: World, pages: Pages) -> None:
    cookie = pages.verified()
    for nonce in "abc":
        assert procesar(pages, cookie, nonce).status == 303
    batches, tasks = world.batches(), list(world.queue.tasks)
    for confirmed in (False, True):
        refused = procesar(pages, cookie, "d", confirmed=confirmed)
        assert refused.status == 429
        assert "3 procesos en 24 horas" in refused.text
    assert (world.batches(), world.queue.tasks) == (batches, tasks)
    assert "too_many_batches" in [event.outcome for event in world.audit.events]


def test_a_repeated_form_is_no_further_batch(world: World, pages: Pages) -> None:
    cookie = pages.verified()
    for nonce in "abc" * 3:
        assert procesar(pages, cookie, nonce).status == 303
    assert len(world.batches()) == 3


def test_forms_that_arrive_at_once_pass_no_more_than_the_limit(world: World) -> None:
    def submit(nonce: str) -> bool:
        try:
            world.submit("e-0", nonce=nonce * 43)
        except TooManyBatches:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(submit, "abcdefghijklmnop")) == 3
    assert len(world.batches()) == 3


def test_the_next_day_begins_a_day_after_the_first(world: World, pages: Pages) -> None:
    for nonce in "abc":
        procesar(pages, pages.verified(), nonce)
    world.clock.advance(hours=23, minutes=59)
    assert procesar(pages, pages.verified(), "d").status == 429
    world.clock.advance(minutes=2)
    assert procesar(pages, pages.verified(), "d").status == 303


def test_one_student_is_reset_once_in_a_day(world: World, pages: Pages) -> None:
    for nonce in "ab":
        procesar(pages, pages.verified(), nonce)
    for batch_id, _ in world.queue.tasks:
        world.work(batch_id)
    assert [account_id for account_id, _ in world.directory.passwords] == ["g-0"]
    outcomes = sorted(row.outcome for batch in world.batches() for row in batch.rows)
    assert outcomes == [Outcome.CHANGED, Outcome.RESET_BY_YOU]
    told = next(batch for batch in world.batches() if batch.rows_with(Outcome.RESET_BY_YOU))
    page = pages.get(f"/secciones/resultado/{told.id}", pages.verified())
    assert "Usted ya la restableció" in page.text


@pytest.fixture
def mailed(world: World, pages: Pages) -> str:
    procesar(pages, pages.verified(), "a")
    [(batch_id, _)] = world.queue.tasks
    world.work(batch_id)
    world.queue.tasks.clear()
    return batch_id


def reenviar(pages: Pages, cookie: str, batch_id: str, number: str = "1") -> Answer:
    return pages.post(f"/secciones/resultado/{batch_id}/reenviar", cookie, {"number": number})


def test_a_mail_comes_again_at_most_three_times(world: World, pages: Pages, mailed: str) -> None:
    for number in "1234":
        answer = reenviar(pages, pages.verified(), mailed, number)
        assert answer.status == (303 if number != "4" else 409)
        for batch_id, _ in world.queue.tasks:
            world.work(batch_id)
        world.queue.tasks.clear()
    assert len(world.mailer.sent) == 4
    assert len({mail.text for mail in world.mailer.sent}) == 1
    page = pages.get(f"/secciones/resultado/{mailed}", pages.verified())
    assert "Reenviar el correo" not in page.text


def test_a_mail_comes_again_only_after_a_fresh_dui_and_nip(world: World, pages: Pages, mailed: str) -> None:
    cookie = pages.verified()
    for _ in range(3):
        world.clock.advance(minutes=8)
        assert pages.get(f"/secciones/resultado/{mailed}", cookie).status == 200, "the session goes on"
    refused = reenviar(pages, cookie, mailed)
    assert refused.status == 403
    assert "DUI" in refused.text
    assert reenviar(pages, pages.signed_in(), mailed).status in {303, 403}
    assert reenviar(pages, "", mailed).status == 401
    assert (world.queue.tasks, len(world.mailer.sent)) == ([], 1)
    assert reenviar(pages, pages.verified(), mailed).status == 303


def test_a_mail_comes_again_for_its_own_teacher_alone(world: World, pages: Pages, mailed: str) -> None:
    stranger = pages.sessions.open("google-2", "otra@clases.edu.sv", "Otra", "d-2", "actor-2")
    assert reenviar(pages, stranger, mailed).status == 404
    assert (world.queue.tasks, world.batch(mailed).resends) == ([], 0)


@pytest.mark.parametrize("number", ["", "0", "2", "10", "-1", "uno", "1.0"])
def test_a_number_that_no_page_of_ours_has_asks_for_nothing(
    world: World, pages: Pages, mailed: str, number: str
) -> None:
    assert reenviar(pages, pages.verified(), mailed, number).status in {400, 409}
    assert (world.queue.tasks, world.batch(mailed).resends) == ([], 0)
