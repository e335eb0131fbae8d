"""A real Chromium, Debian's."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.support.accessibility import Seen

CHROMIUM = "/usr/bin/chromium"
# The machine has no way out: without these, Chromium knocks at Google's doors all the time.
QUIET = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """Chromium. Each context has cookies of its own; what is wrong with any of our pages in it fails the test."""
    seen, new_context = Seen(), chromium.new_context
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chromium, "new_context", seen.watched(new_context))
        yield chromium
    problems = list(seen.problems(new_context))
    assert not problems, "\n".join(problems)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for a module.

    Not for the whole session: Playwright keeps an event loop running, which other tests' own loops would meet.
    """
    if not shutil.which(CHROMIUM):
        if os.environ.get("CI"):
            pytest.fail(f"{CHROMIUM} is needed and not here")
        pytest.skip(f"{CHROMIUM} is not here")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield launched
        launched.close()
