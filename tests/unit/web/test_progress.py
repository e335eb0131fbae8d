"""A batch on its way: what its page says without a script, and what the script is told."""

import json

import pytest

from tests.support.html import check_page, text_of
from tests.support.site import Pages
from tests.support.world import World, account


@pytest.fixture
def pages(world: World) -> Pages:
    return Pages(world)


def rows_of(html: str) -> list[str]:
    return [row.get("data-outcome", "") for row in check_page(html).iter("p") if "data-outcome" in row.attrib]


def test_the_script_is_told_the_outcomes_in_the_order_of_the_rows(pages: Pages) -> None:
    world, cookie = pages.world, pages.verified()
    del world.directory.accounts[account(1).address]
    batch_id = world.submit()
    path = f"/secciones/resultado/{batch_id}"
    seen: list[tuple[list[str], list[str]]] = []

    def look(_: str) -> None:  # in the middle of the batch
        told = json.loads(pages.get(f"{path}/estado", cookie).text)
        seen.append((rows_of(pages.get(path, cookie).text), told["outcomes"]))

    world.directory.after = look
    look("")
    world.work(batch_id)
    assert seen[0] == (["pending"] * 3, ["pending"] * 3)
    assert seen[-1][0] == seen[-1][1] == ["changing", "not_found", "changing"]
    told = json.loads(pages.get(f"{path}/estado", cookie).text)
    assert told["finished"]
    assert told["outcomes"] == ["changed", "not_found", "changed"]
    assert "Resultado del proceso" in text_of(check_page(pages.get(path, cookie).text))


def test_the_outcomes_are_told_to_the_teacher_of_the_batch_only(pages: Pages) -> None:
    path = f"/secciones/resultado/{pages.world.submit()}/estado"
    stranger = pages.sessions.open("google-9", "luz@clases.edu.sv", "Luz", "teacher-9", "actor-9")
    answer = pages.get(path, stranger)
    assert answer.status == 404
    assert "pending" not in answer.text
