"""What the boundary says besides the page: which methods a path has, and to the audit, each refusal once."""

from datetime import timedelta
from typing import Any, cast

import pytest

from secciones.domain.errors import DocumentsUnavailable
from secciones.ports.documents import Documents
from secciones.ports.sign_in import Identity
from secciones.templates import local_date, local_hour
from tests.support.fakes import FakeProvider
from tests.support.html import check_page, text_of
from tests.support.site import Pages
from tests.support.world import DOMAIN, DUI_AND_NIP, SESSION, World, account


@pytest.fixture
def pages(world: World) -> Pages:
    return Pages(world)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/secciones/", {"GET", "HEAD"}),
        ("PUT", "/secciones/identidad", {"GET", "HEAD", "POST"}),
        ("GET", "/secciones/restablecer", {"POST"}),
        ("OPTIONS", "/secciones/salir", {"POST"}),
    ],
)
def test_a_method_that_a_path_does_not_have_is_answered_with_those_that_it_has(
    pages: Pages, method: str, path: str, allowed: set[str]
) -> None:
    answer = pages.ask(method, path, "", None, {})
    assert answer.status == 405
    assert set(answer.headers["Allow"].split(", ")) == allowed
    assert "Allow" not in pages.get("/secciones/nothing").headers


@pytest.mark.parametrize(
    ("domain", "unit", "outcome"),
    [("otra.edu.sv", "/Docentes", "wrong_domain"), (DOMAIN, "/Estudiantes/10001", "not_a_teacher")],
)
def test_a_refused_sign_in_is_one_event_which_names_the_account(
    pages: Pages, domain: str, unit: str, outcome: str
) -> None:
    address = f"luz@{domain}"
    pages.world.directory.accounts[address] = account(99, address=address, org_unit=unit)
    pages.provider = FakeProvider(Identity("google-9", address, "Luz", domain, address_is_verified=True))
    begun = pages.get("/secciones/entrar")
    state = begun.headers["Location"].partition("state=")[2]
    answer = pages.get(f"/secciones/oauth2/callback?code=good-code&state={state}", begun.cookies[0].partition(";")[0])

    assert answer.status == 403
    (event,) = pages.world.audit.events
    assert (event.kind, event.outcome, event.account) == ("sign_in", outcome, address)


def test_too_many_wrong_numbers_are_one_event_which_names_the_person(pages: Pages) -> None:
    cookie = pages.signed_in("google-9", f"luz@{DOMAIN}")
    numbers = {"dui": DUI_AND_NIP[0], "nip": "7654321"}
    while (answer := pages.post("/secciones/identidad", cookie, numbers)).status != 429:
        pages.world.audit.events.clear()
    (event,) = pages.world.audit.events[-1:]
    assert len(pages.world.audit.events) == 1
    assert (event.kind, event.outcome, event.account) == ("verification", "too_many_attempts", f"luz@{DOMAIN}")
    assert event.actor
    until = pages.world.clock.now() + timedelta(hours=6, minutes=1)
    assert f"a {local_hour(until)} del {local_date(until)}" in answer.text


def test_what_no_use_case_tells_of_the_boundary_does(pages: Pages) -> None:
    """Else a form from another site would leave no trace."""
    assert pages.post("/secciones/salir", pages.verified(), Origin="https://evil.example").status == 403
    assert [(event.kind, event.outcome) for event in pages.world.audit.events] == [("refusal", "form_expired")]
    assert pages.world.audit.events[0].account == SESSION.address


@pytest.mark.parametrize(
    ("form", "named"),
    [
        ({"school": "c-1", "section": "s-9"}, ("c-1", "s-9")),
        ({"school": "c-1", "section": "<script>"}, ("c-1", "")),
        ({"school": "x" * 256, "section": "a b"}, ("", "")),
        ({"school": "..", "section": "s.1@x"}, ("", "s.1@x")),
        ({}, ("", "")),
    ],
)
def test_the_event_of_a_refused_form_names_the_school_and_section_that_it_was_sent_for(
    pages: Pages, form: dict[str, str], named: tuple[str, str]
) -> None:
    """As far as they could be ids at all: what else a visitor writes there is not the audit's."""
    pages.post("/secciones/restablecer", pages.verified(), form, Origin="https://evil.example")
    (event,) = pages.world.audit.events
    assert (event.outcome, event.school, event.section) == ("form_expired", *named)


def test_the_event_of_a_refused_page_names_the_school_and_section_in_its_address(pages: Pages) -> None:
    assert pages.get("/secciones/centros/c-7/s-7", pages.verified()).status == 404
    (event,) = pages.world.audit.events
    assert (event.outcome, event.school, event.section) == ("not_assigned", "c-7", "s-7")


def test_a_refused_form_that_cannot_be_read_names_none(pages: Pages) -> None:
    assert pages.post("/secciones/restablecer", pages.verified(), {"school": "c" * 100_000}).status == 413
    (event,) = pages.world.audit.events
    assert (event.outcome, event.school, event.section) == ("too_large", "", "")


def link_to_retry(html: str) -> str:
    links = [link for link in check_page(html).iter("a") if text_of(link) == "Reintentar"]
    return links[0].get("href", "")


@pytest.mark.parametrize("path", ["/secciones/centros", "/secciones/centros/c-1", "/secciones/centros/c%C3%B1/s-1"])
def test_while_siges_is_down_a_page_says_when_it_was_asked_and_leads_back_to_itself(pages: Pages, path: str) -> None:
    pages.world.registry.is_down = True
    answer = pages.get(path, pages.verified())
    assert answer.status == 503
    assert "SIGES, el registro de centros educativos y secciones, no responde" in answer.text
    assert f"Se consultó por última vez a {local_hour(pages.world.clock.now())}" in answer.text
    assert link_to_retry(answer.text) == path


def test_a_form_that_siges_could_not_answer_leads_back_to_its_section(pages: Pages) -> None:
    pages.world.registry.is_down = True
    form = {"school": "c-1", "section": "s-1", "student": "e-0", "form_nonce": "n" * 43}
    answer = pages.post("/secciones/restablecer", pages.verified(), form)
    assert answer.status == 503
    assert link_to_retry(answer.text) == "/secciones/centros/c-1/s-1"


def test_no_path_of_a_failed_page_leads_elsewhere(pages: Pages) -> None:
    pages.world.registry.is_down = True
    answer = pages.get("/secciones/centros/%22%3E%3Cscript%3E", pages.verified())
    assert link_to_retry(answer.text) == "/secciones/centros/%22%3E%3Cscript%3E"


class ReadOnly:
    """A store, or a transaction in it, that takes nothing any more."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def transact(self, work: Any) -> Any:
        return self._inner.transact(lambda transaction: work(ReadOnly(transaction)))

    def set(self, *_: Any) -> None:
        raise DocumentsUnavailable

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def test_a_resend_that_the_store_could_not_take_leads_back_to_its_result(pages: Pages) -> None:
    cookie = pages.verified()
    form = {"confirmed": "yes", "school": "c-1", "section": "s-1", "student": "e-0", "form_nonce": "n" * 43}
    result = pages.post("/secciones/restablecer", cookie, form).headers["Location"]
    pages.world.work(result.rpartition("/")[2])
    pages.world.documents = cast(Documents, ReadOnly(pages.world.documents))
    answer = pages.post(f"{result}/reenviar", cookie, {"number": "1"})
    assert answer.status == 503
    assert link_to_retry(answer.text) == result


def test_a_page_for_everybody_is_made_once_and_never_of_what_somebody_sees_who_is_signed_in(pages: Pages) -> None:
    mine = pages.get("/secciones/", pages.signed_in()).text
    assert SESSION.address in mine
    first, second = (pages.get("/secciones/").text for _ in range(2))
    assert first == second
    assert SESSION.address not in first
    assert "Su sesión se cerró" in pages.get("/secciones/?aviso=salida").text
    assert "Su sesión se cerró" not in pages.get("/secciones/").text
    assert SESSION.address in pages.get("/secciones/", pages.signed_in()).text
