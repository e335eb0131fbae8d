"""Pages at a phone's and a desk's width."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

SIZES = {"phone": (360, 740), "desk": (1280, 800)}


@pytest.fixture(params=list(SIZES))
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    width, height = SIZES[request.param]
    return width, height


@pytest.fixture
def page(browser: Browser, size: tuple[int, int]) -> Iterator[Page]:
    """A page whose scripts and policies may not complain about anything."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, locale="es-SV")
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if "Security Policy" in line.text else None)
    yield page
    context.close()
    assert not complaints
