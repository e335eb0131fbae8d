"""Valid HTML, and nothing that axe finds, on every page that a browser shows to a test: no test can forget to look.

Pages are judged when the test is over, as the server sent them (HTML) and as they were when they were loaded and when
they were left (axe); what has been judged once is not judged again.
"""

import contextlib
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Error, Page, Response, Route

from tests.support.html import DRAWN, check_page_once
from tests.support.sample_pages import static_file

OPTIONS = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}
NewContext = Callable[..., BrowserContext]
_ADDRESS = "https://secciones.test/"
# Whatever has our style sheet is ours to judge.
_OURS = re.compile(r'<link rel="stylesheet" href="/secciones/static/app\.')
# A page with its ticks as they are now.
_STATE = """() => {
    const copy = document.documentElement.cloneNode(true);
    for (const box of copy.querySelectorAll("[type=checkbox]")) box.toggleAttribute("checked", box.checked);
    return `<!doctype html>${copy.outerHTML}`;
}"""
_clean: set[bytes] = set()


@dataclass(frozen=True)
class State:
    """A page as somebody had it in front of them."""

    html: str
    width: int
    scheme: Any

    @property
    def digest(self) -> bytes:
        """One for all states that axe cannot tell apart."""
        return hashlib.sha256(f"{self.width} {self.scheme} {DRAWN.sub('', self.html)}".encode()).digest()


@dataclass
class Seen:
    """What a test has opened in the contexts that it made."""

    sent: list[str] = field(default_factory=list)
    states: list[State] = field(default_factory=list)

    def watched(self, new_context: NewContext) -> NewContext:
        """Makes the same contexts, and sees their pages."""

        def watch(**options: Any) -> BrowserContext:
            context = new_context(**options)
            self._watch(context, options)
            return context

        return watch

    def problems(self, new_context: NewContext) -> Iterator[str]:
        """What is wrong with these pages, in a context that nobody watches."""
        for html in self.sent:
            check_page_once(html)
        unknown = {state.digest: state for state in self.states if state.digest not in _clean}
        if not unknown:
            return
        with new_context() as context:
            page = context.new_page()
            show = _stage(page)
            for digest, state in unknown.items():
                show(state)
                if found := axe(page):
                    yield f"{found}\n{state}"
                else:
                    _clean.add(digest)
            page.unroute_all(behavior="ignoreErrors")  # a picture below the fold may still be on its way

    def _watch(self, context: BrowserContext, options: dict[str, Any]) -> None:
        has_script = options.get("java_script_enabled", True)
        size = options.get("viewport") or {"width": 1280}
        scheme = options.get("color_scheme", "light")
        close = context.close

        def add(html: str) -> None:
            if _OURS.search(html):
                self.states.append(State(html, size["width"], scheme))

        def read(response: Response) -> None:
            if html := _page_in(response):
                self.sent.append(html)
                if not has_script:
                    add(html)

        def look_and_close(**reason: Any) -> None:
            for page in context.pages:
                with contextlib.suppress(Error):  # it is on its way to another page, and has been seen on leaving
                    add(page.evaluate(_STATE))
            close(**reason)

        context.on("response", read)
        if has_script:
            context.expose_function("tellTheTest", add)
            context.add_init_script(
                f"for (const moment of ['load', 'pagehide']) addEventListener(moment, () => tellTheTest(({_STATE})()));"
            )
            context.close = look_and_close  # type: ignore[method-assign]


def axe(page: Page) -> str:
    """What axe finds on a page, in words; empty for a good one."""
    results = Axe().run(page, options=OPTIONS)
    return str(results.generate_report()) if results.violations_count else ""


def _page_in(response: Response) -> str:
    if 300 <= response.status < 400 or "html" not in response.headers.get("content-type", ""):
        return ""
    try:
        html = response.text()
    except Error:  # the browser was closed meanwhile
        return ""
    return html if _OURS.search(html) else ""


def _stage(page: Page) -> Callable[[State], None]:
    """Shows a state as a page whose script does not run a second time."""
    shown: list[State] = []

    def answer(route: Route) -> None:
        path = urlsplit(route.request.url).path
        if path.endswith(".js"):
            route.fulfill(body="", content_type="text/javascript")
        elif path.startswith("/secciones/static/"):
            static_file(route, path)
        else:
            route.fulfill(body=shown[-1].html, content_type="text/html; charset=utf-8")

    def show(state: State) -> None:
        shown.append(state)
        page.set_viewport_size({"width": state.width, "height": 740})
        page.emulate_media(color_scheme=state.scheme)
        page.goto(_ADDRESS)

    page.route("**/*", answer)
    return show
