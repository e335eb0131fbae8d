"""Pictures of every page in every state, for people to look at: `make pictures` writes them to .local/pictures/."""

import sys
from pathlib import Path

from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.browser.conftest import SIZES
from tests.support.browser import CHROMIUM, QUIET
from tests.support.sample_pages import ORIGIN, fulfill
from tests.unit.web.samples import Words, samples

FOLDER = Path(__file__).resolve().parents[2] / ".local/pictures"
SAMPLES = {sample.name: sample for sample in samples(Words())}


def take(playwright: Playwright, chosen: str) -> None:
    """All samples whose name contains a text, at both widths, light and dark."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
    for size in SIZES:
        for scheme in ("light", "dark"):
            _take(browser, size, scheme, chosen)
    browser.close()


def _take(browser: Browser, size: str, scheme: str, chosen: str) -> None:
    width, height = SIZES[size]
    with browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,  # type: ignore[arg-type]
        locale="es-SV",
    ) as context:
        page = context.new_page()
        page.route("**/*", lambda route: fulfill(route, SAMPLES))
        for name in SAMPLES:
            if chosen in name:
                page.goto(f"{ORIGIN}/{name}")
                page.screenshot(path=FOLDER / f"{name}.{size}.{scheme}.png", full_page=True)


if __name__ == "__main__":
    with sync_playwright() as running:
        take(running, "".join(sys.argv[1:]))
    sys.stdout.write(f"Pictures are in {FOLDER}\n")
