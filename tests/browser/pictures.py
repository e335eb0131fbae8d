"""Pictures of every page in every state, and of the slips: `make pictures` writes them to .local/pictures/, for people
to look at."""

import sys
from pathlib import Path

import pypdfium2
from playwright.sync_api import Browser, Playwright, sync_playwright

from secciones.domain.outcomes import Outcome
from tests.browser.conftest import SIZES
from tests.support.browser import CHROMIUM, QUIET
from tests.support.sample_pages import ORIGIN, fulfill
from tests.unit.mail.batches import EIGHTH_B, NINTH_A, batch, mail_of, row
from tests.unit.mail.test_slips import LONGEST
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


def take_slips(chosen: str) -> None:
    """The first page of each file whose name contains a text, of students of two sections."""
    names = ["Zelaya, Ana", LONGEST, "Ávalos de Menjívar, José Ángel"]
    rows = [row(number, Outcome.CHANGED, names[number % 3], [NINTH_A, EIGHTH_B][number // 5]) for number in range(9)]
    rows.append(row(9, Outcome.UNCONFIRMED, "Ñurinda Cárcamo, Eva", EIGHTH_B))
    FOLDER.mkdir(parents=True, exist_ok=True)
    for file in mail_of(batch(*rows, sections=[NINTH_A, EIGHTH_B])).attachments:
        if chosen in file.filename and file.filename.endswith(".pdf"):
            page = pypdfium2.PdfDocument(file.content)[0]
            page.render(scale=2).to_pil().save(FOLDER / f"{file.filename}.png")


if __name__ == "__main__":
    take_slips("".join(sys.argv[1:]))
    with sync_playwright() as running:
        take(running, "".join(sys.argv[1:]))
    sys.stdout.write(f"Pictures are in {FOLDER}\n")
