"""`make guide`: the pictures of the teachers' guide, taken while its nine steps are walked in a running system, and the
guide as PDF.

The guide's page says which pictures it has, how large they are and what is to be seen on each.
"""

import contextlib
import io
import json
import re
import sys
from collections.abc import Iterator

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Locator, Page, PdfMargins, Route, expect, sync_playwright

from tests.browser.conftest import SIZES
from tests.browser.test_journey import sign_in, verify
from tests.support.browser import CHROMIUM, QUIET
from tests.support.google_pages import control, wait_for
from tests.support.guide import FILES, PDF, RECORD, SHARPNESS, guide_page, pictures, public_address, record
from tests.support.sample_pages import fulfill
from tests.support.stack import Stack, running_stack, temporary_folder

_COLOURS = 32
_MARGIN: PdfMargins = {"top": "0.7in", "right": "0.7in", "bottom": "0.7in", "left": "0.7in"}
_CHOSEN = 2
_README_PICTURE = RECORD.parent / "section.png"


def make_guide(browser: Browser) -> None:
    """All of it anew."""
    wanted = {picture.file.removesuffix(".webp"): picture for picture in pictures()}
    FILES.mkdir(exist_ok=True)
    for old in FILES.iterdir():
        old.unlink()
    with temporary_folder() as folder, running_stack(folder, {"FIRESTORE_EMULATOR_HOST": ""}) as stack:
        with _context(browser, "phone", SHARPNESS) as context:
            for name, start in _steps(context.new_page(), stack):
                picture = wanted.pop(name)
                for words in picture.seen:
                    expect(start.page.get_by_text(words).first).to_be_visible()
                _take(start, picture.file, picture.height)
        with _context(browser, "desk") as context:
            _take_for_readme(context.new_page(), stack)
    if wanted:
        raise ValueError(f"no step shows {', '.join(wanted)}")
    _print(browser)
    RECORD.write_text(json.dumps(record(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _steps(page: Page, stack: Stack) -> Iterator[tuple[str, Locator]]:
    """The nine steps; at each picture's moment its name, and where on the page it begins."""
    teacher = stack.person("marta")
    page.goto(stack.url)
    yield "landing", page.locator("body")
    yield "google", page.get_by_role("link", name="Iniciar sesión con Google")
    sign_in(page, stack, teacher)
    page.get_by_label("DUI").fill(teacher["dui"])
    page.get_by_label(re.compile("NIP")).fill(teacher["nip"])
    yield "identity", page.locator("form.panel")
    verify(page, teacher)
    yield "schools", page.get_by_role("heading", level=1)
    page.get_by_role("link", name=re.compile("Rosaura")).click()
    yield "sections", page.get_by_role("heading", name="Seleccione una sección")
    page.get_by_role("link", name=re.compile("Séptimo Grado, sección A")).click()
    wait_for("the mirror", lambda: _knows_the_accounts(page))
    boxes = page.locator("input[name=student]")
    for number in range(_CHOSEN):
        boxes.nth(number).check()
    yield "students", page.locator(".bar")
    page.get_by_role("button", name="Procesar", exact=True).click()
    yield "confirm", page.get_by_role("heading", level=1)
    control("POST", f"{stack.google}/_control/latency", {"api": "directory", "seconds": 2})
    page.get_by_role("button", name=re.compile("Sí, restablecer")).click()
    expect(page.get_by_text("Se están restableciendo")).to_be_visible()
    yield "progress", page.get_by_role("heading", level=1)
    control("POST", f"{stack.google}/_control/latency", {"api": "directory", "seconds": 0})
    expect(page.get_by_role("heading", name="Resultado del proceso")).to_be_visible(timeout=60_000)
    yield "result", page.get_by_role("heading", level=1)
    page.goto(f"{stack.google}/mail/{teacher['address']}")
    page.locator(".messages a").first.click()
    page.goto(f"{stack.google}{page.locator('iframe').get_attribute('src')}")
    yield "mail", page.get_by_role("heading", name="Cuentas y contraseñas temporales")


def _knows_the_accounts(page: Page) -> bool:
    page.reload()
    return "Nunca ha ingresado" in page.locator("tbody").inner_text()


def _take(start: Locator, file: str, height: int) -> None:
    """The whole width of the page, from a little above an element on, in a few colours."""
    page = start.page
    box = start.bounding_box()
    assert box
    width, top = SIZES["phone"][0], max(0, box["y"] + page.evaluate("scrollY") - 12)
    shot = page.screenshot(full_page=True, clip={"x": 0, "y": top, "width": width, "height": height})
    with Image.open(io.BytesIO(shot)) as image:
        image.convert("RGB").quantize(_COLOURS).convert("RGB").save(FILES / file, lossless=True, method=6, quality=100)


def _take_for_readme(page: Page, stack: Stack) -> None:
    teacher = stack.person("marta")
    sign_in(page, stack, teacher)
    verify(page, teacher)
    page.get_by_role("link", name=re.compile("Rosaura")).click()
    page.get_by_role("link", name=re.compile("Noveno Grado, sección A")).click()
    for number in range(3):
        page.locator("input[name=student]").nth(number).check()
    page.set_viewport_size({"width": SIZES["desk"][0], "height": 1000})
    page.evaluate("scrollTo(0, 0)")
    with Image.open(io.BytesIO(page.screenshot())) as image:
        image.convert("RGB").quantize(_COLOURS).save(_README_PICTURE, optimize=True)


def _print(browser: Browser) -> None:
    """On letter paper, tagged, with links to where production is."""
    address = f"{public_address()}guia"

    def answer(route: Route) -> None:
        if route.request.url == address:
            route.fulfill(body=guide_page(), content_type="text/html; charset=utf-8")
        else:
            fulfill(route, {})

    with _context(browser, "desk") as context:
        page = context.new_page()
        page.route("**/*", answer)
        page.goto(address)
        page.evaluate(
            "Promise.all([...document.images].map(image => { image.loading = 'eager'; return image.decode() }))"
        )
        page.pdf(path=FILES / PDF, format="Letter", tagged=True, outline=True, print_background=True, margin=_MARGIN)


@contextlib.contextmanager
def _context(browser: Browser, size: str, sharpness: float = 1) -> Iterator[BrowserContext]:
    width, height = SIZES[size]
    with browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=sharpness,
        color_scheme="light",
        reduced_motion="reduce",
        locale="es-SV",
        timezone_id="America/El_Salvador",
    ) as context:
        yield context


if __name__ == "__main__":
    with sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        make_guide(chromium)
        chromium.close()
    sys.stdout.write(f"The guide's pictures and its PDF are in {FILES}\n")
