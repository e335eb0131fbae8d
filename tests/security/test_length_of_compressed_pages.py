"""Threat: whoever watches the line learns a token or a name from how well the answers to chosen addresses compress
(BREACH). Guards: no page that is compressed shows anything of the address that it answers, a form is answered only
with the session's token, and no two answers have the same text for that.

Take the status out of `compressed` (`web/compression.py`), the salt out of `csrf_token` (`web/session.py`), or show a
part of an address on a page, and a test here turns red.
"""

import re
from urllib.parse import urlencode

import pytest

from secciones import logs
from secciones.web.pages import login, reset, sections, verify
from tests.support.html import parse_page
from tests.support.site import Answer, Pages
from tests.support.world import SCHOOL, SECTION

GETS = [route.path for module in (login, verify, sections, reset) for route in module.ROUTES if route.method == "GET"]
CHOSEN = "guessedguess"
GZIP = {"Accept-Encoding": "gzip, deflate, br"}


def tokens(page: Answer) -> set[str]:
    fields = parse_page(page.text).iterfind(".//input[@name='csrf_token']")
    return {field.get("value", "") for field in fields}


@pytest.mark.parametrize("path", GETS)
def test_no_page_that_is_compressed_shows_anything_of_its_address(pages: Pages, path: str) -> None:
    batch_id = pages.world.submit()
    known = {"school_id": SCHOOL.id, "section_id": SECTION.id, "batch_id": batch_id}
    names = ("aviso", "search", "order", "group", "state", "code", "error", "student", "school", "section", CHOSEN)
    for cookie in ("", pages.signed_in(), pages.verified()):
        here = re.sub("<(.*?)>", lambda found: known[found.group(1)], path)
        for address in (f"{here}?{urlencode(dict.fromkeys(names, CHOSEN))}", re.sub("<.*?>", CHOSEN, path)):
            answer = pages.get(address, cookie)
            assert answer.status != 200 or CHOSEN not in answer.text


def test_a_page_that_does_is_an_error_and_not_compressed(pages: Pages) -> None:
    pages.world.registry.is_down = True
    answer = pages.get(f"/secciones/centros/{CHOSEN}", pages.verified(), **GZIP)
    assert answer.status == 503
    assert CHOSEN in answer.text
    assert "Content-Encoding" not in answer.headers


def test_every_answer_has_another_text_for_the_token_and_each_is_good(pages: Pages) -> None:
    cookie, path = pages.verified(), f"/secciones/centros/{SCHOOL.id}/{SECTION.id}"
    found = []
    for request_id in ("105445aa7843bc8bf206b12000100000", "d1ef1d2e5dbf4f3a9ad3ba7bb6b6bd0b"):
        logs.request_id.set(request_id)
        (token,) = tokens(pages.get(path, cookie))
        found.append(token.rpartition("."))
        assert pages.post(path, cookie, {"csrf_token": token, "search": CHOSEN}).status == 200
    assert all(one != other for one, other in zip(found[0][::2], found[1][::2], strict=True))


def test_a_form_without_the_token_gets_nothing_of_it_back(pages: Pages) -> None:
    path = f"/secciones/centros/{SCHOOL.id}/{SECTION.id}"
    answer = pages.post(path, pages.verified(), {"csrf_token": "", "search": CHOSEN}, **GZIP)
    assert (answer.status, CHOSEN in answer.text, answer.headers.get("Content-Encoding")) == (403, False, None)
