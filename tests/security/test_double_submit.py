"""Threat: one confirmation is sent many times at once, or again with another choice. Guard: the batch's id follows from
the form and the teacher, and one transaction creates it.

Fails when the id is drawn instead (`_batch_id` in services/request_reset.py), or the choice is not compared.
"""

from concurrent.futures import ThreadPoolExecutor

import requests

from tests.security.conftest import recorded
from tests.support.google_pages import wait_for
from tests.support.stack import Stack
from tests.support.visitor import Visit, Visitor, open_section

AT_ONCE = 50


def test_fifty_at_once_make_one_batch_one_change_of_each_account_and_one_mail(stack: Stack) -> None:
    visitor = Visitor(stack.origin)
    section = open_section(visitor, visitor.enter(stack.person("marta")))
    boxes = [box.get("value", "") for box in section.page.iterfind(".//input[@name='student']")]
    fields = form_of(visitor.submit(section, "/secciones/restablecer", ticked=set(boxes[:3])))
    before_changes, before_mails, before_batches = recorded(stack)

    def send(_: int) -> tuple[int, str]:
        answer = requests.post(
            f"{stack.origin}/secciones/restablecer",
            data=fields,
            headers={"Origin": stack.origin, "Cookie": f"__Host-session={visitor.cookie()}"},
            allow_redirects=False,
            timeout=60,
        )
        return answer.status_code, answer.headers.get("Location", "")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = set(pool.map(send, range(AT_ONCE)))

    ((status, location),) = answers
    assert status == 303
    wait_for("the batch to end", lambda: visitor.session.get(f"{stack.origin}{location}/estado").json()["finished"])
    changes, mails, batches = recorded(stack)
    assert batches - before_batches == {location.rpartition("/")[2]}
    changed = [change["userKey"] for change in changes[len(before_changes) :]]
    assert len(changed) == len(set(changed)) <= 3
    assert len(mails) == len(before_mails) + 1

    other = [(name, boxes[3] if name == "student" else value) for name, value in fields]
    for again in (other, [*fields, ("student", boxes[3])], [pair for pair in fields if pair != ("student", boxes[0])]):
        refused = visitor.post("/secciones/restablecer", again)
        assert refused.status == 409
        assert location in refused.html
    assert recorded(stack) == (changes, mails, batches)


def form_of(confirmation: Visit) -> list[tuple[str, str]]:
    inputs = confirmation.form("/secciones/restablecer").iter("input")
    return [(element.get("name", ""), element.get("value", "")) for element in inputs if element.get("name")]
