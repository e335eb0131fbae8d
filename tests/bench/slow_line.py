"""What a teacher on 3G waits for, and what every page weighs: the journey in Chromium, with a round trip of 400 ms and
400 kbit/s, through the front door.

The time is the one to the largest text or picture of a page (LCP), from the press of the link or button, redirects
included; beside it stands its ratio to an empty page's on the same line. The first view is of an empty cache.
"""

import re
from collections.abc import Iterator

from playwright.sync_api import Page, expect, sync_playwright

from tests.bench.figures import Figure
from tests.support.browser import CHROMIUM, QUIET
from tests.support.stack import Stack, running_stack, temporary_folder

LATENCY_MS = 400
BYTES_A_SECOND = 400_000 / 8
SECONDS, FIRST_KILOBYTES, NEXT_KILOBYTES = 2, 50, 15
PAINT = """() => new Promise((done) => {
    new PerformanceObserver((list) => done(list.getEntries().at(-1).startTime))
        .observe({ type: "largest-contentful-paint", buffered: true });
})"""
WEIGHT = """() => ["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type))
    .reduce((total, { transferSize }) => total + transferSize, 0)"""


def figures() -> Iterator[Figure]:
    """Seconds, ratio and kilobytes of each page of the journey."""
    embedded_store = {"FIRESTORE_EMULATOR_HOST": ""}
    with temporary_folder() as folder, running_stack(folder, embedded_store) as stack, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        with browser.new_context(viewport={"width": 360, "height": 740}, locale="es-SV") as context:
            page = context.new_page()
            _slow_down(page)
            yield from _measured(page, stack)
        browser.close()


def _slow_down(page: Page) -> None:
    line = {"latency": LATENCY_MS, "downloadThroughput": BYTES_A_SECOND, "uploadThroughput": BYTES_A_SECOND}
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", {"offline": False, **line})


def _measured(page: Page, stack: Stack) -> Iterator[Figure]:
    page.goto(f"{stack.url}robots.txt")
    empty = page.evaluate(PAINT)
    for number, name in enumerate(_journey(page, stack)):
        page.wait_for_load_state("load")
        paint, weight = page.evaluate(PAINT), page.evaluate(WEIGHT)
        yield Figure(f"slow line: {name}, s to the largest text", paint / 1000, f"≤ {SECONDS}")
        yield Figure(f"slow line: {name}, over an empty page", paint / empty)
        yield Figure(f"slow line: {name}, kB", weight / 1024, f"≤ {NEXT_KILOBYTES if number else FIRST_KILOBYTES}")


def _journey(page: Page, stack: Stack) -> Iterator[str]:
    """Each page's name when it is there."""
    teacher = stack.person("jose")
    page.goto(stack.url)
    yield "landing, nothing in the cache"
    page.get_by_role("link", name="Iniciar sesión con Google").click()
    page.get_by_role("button", name=teacher["address"]).click()
    page.get_by_label("Ingrese su contraseña").fill(teacher["password"])
    page.get_by_role("button", name="Siguiente").click()
    expect(page.get_by_label("DUI")).to_be_visible()
    yield "DUI and NIP"
    page.get_by_label("DUI").fill(teacher["dui"])
    page.get_by_label(re.compile("NIP")).fill(teacher["nip"])
    page.get_by_role("button", name="Ingresar").click()
    expect(page).to_have_url(re.compile("/centros"))
    yield "sections"
    page.get_by_role("link", name=re.compile("Grado|Bachillerato|Parvularia")).first.click()
    expect(page.get_by_role("table")).to_be_visible()
    yield f"a section of {page.locator('[name=student]').count()}"
    page.get_by_role("button", name="Todos").click()
    page.get_by_role("button", name="Procesar", exact=True).click()
    expect(page.get_by_role("button", name=re.compile("Sí, restablecer"))).to_be_visible()
    yield "summary"
    page.get_by_role("button", name=re.compile("Sí, restablecer")).click()
    expect(page).to_have_url(re.compile("/resultado/"))
    yield "after the confirmation"
    expect(page.get_by_role("heading", name="Resultado del proceso")).to_be_visible(timeout=60_000)
    yield "result"
    page.goto(f"{stack.url}restablecimientos")
    yield "Mis restablecimientos"
