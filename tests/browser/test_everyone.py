"""Pages for whoever reads them enlarged, in other colours, on paper or on a slow line; and nothing moves by itself."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.support.sample_pages import ORIGIN, fulfill
from tests.unit.web.samples import Words, samples

SAMPLES = {
    sample.name: sample
    for sample in samples(Words(), students=14)
    if not sample.name.endswith("-anonymous")  # the same without the menu
}
# WCAG 1.4.12: what a reader may set, and nothing may be lost by it.
SPACING = """* {
    line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important;
} p { margin-bottom: 2em !important; }"""
# Text that is cut off at the edge of its box, where nobody can scroll; the name in the menu stands in full inside.
CUT_OFF = """() => [...document.querySelectorAll("body *:not(.unseen, .menu-name, svg *)")].filter((one) => {
    const { overflowX, overflowY, display } = getComputedStyle(one);
    return display !== "none" && display !== "inline" && !one.matches("progress, input, option") && one.clientWidth > 0
        && ((overflowX !== "visible" && one.scrollWidth > one.clientWidth + 1)
            || (overflowY !== "visible" && one.scrollHeight > one.clientHeight + 1));
}).map((one) => one.outerHTML.slice(0, 200))"""
SHIFTS = """() => {
    window.shifts = [];
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts.push(entry.value);
    }).observe({ type: "layout-shift", buffered: true });
}"""


@pytest.fixture
def tab(chromium: Browser) -> Iterator[Page]:
    """Judged elsewhere (test_accessibility.py): here it is looked at in other ways."""
    with chromium.new_context(bypass_csp=True) as context:
        page = context.new_page()
        page.route("**/*", lambda route: fulfill(route, SAMPLES))
        yield page


def is_two_dimensional(tab: Page) -> bool:
    return bool(tab.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def test_enlarged_four_times_a_page_scrolls_one_way_and_nothing_is_cut_off(tab: Page) -> None:
    """WCAG 1.4.10: a desk of 1280 by 1024 at 400 %; then with the distances that a reader may set."""
    tab.set_viewport_size({"width": 320, "height": 256})
    wrong = {}
    for name in SAMPLES:
        tab.goto(f"{ORIGIN}/{name}")
        wrong[name] = (is_two_dimensional(tab), tab.evaluate(CUT_OFF))
        tab.add_style_tag(content=SPACING)
        wrong[f"{name}, spaced"] = (is_two_dimensional(tab), tab.evaluate(CUT_OFF))
    assert {name: found for name, found in wrong.items() if found != (False, [])} == {}


def test_in_a_small_window_the_list_is_not_covered_by_the_bar(tab: Page) -> None:
    tab.set_viewport_size({"width": 320, "height": 256})
    tab.goto(f"{ORIGIN}/pages-students-elsewhere")
    tab.locator("[name=student]").last.scroll_into_view_if_needed()
    expect(tab.locator(".bar")).not_to_be_in_viewport()


@pytest.mark.parametrize(("width", "height"), [(360, 740), (1280, 800)])
def test_nothing_moves_while_a_page_is_loaded(tab: Page, width: int, height: int) -> None:
    """The script comes late, as on a slow line."""

    def late(route: Route) -> None:
        tab.wait_for_timeout(150)
        fulfill(route, SAMPLES)

    tab.set_viewport_size({"width": width, "height": height})
    tab.route("**/app.js", late)
    tab.add_init_script(f"({SHIFTS})()")
    shifts = {}
    for name in SAMPLES:
        tab.goto(f"{ORIGIN}/{name}")
        tab.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))")
        shifts[name] = sum(tab.evaluate("window.shifts"))
    assert {name: shift for name, shift in shifts.items() if shift > 0.01} == {}


def test_whoever_wants_no_motion_has_none(tab: Page) -> None:
    moving = """() => [...document.querySelectorAll("*")].filter((one) => {
        const style = getComputedStyle(one);
        return style.transitionDuration !== "0s" || style.animationName !== "none" || style.scrollBehavior === "smooth";
    }).length"""
    tab.goto(f"{ORIGIN}/pages-students")
    assert tab.evaluate(moving) > 0, "else this test sees nothing"
    tab.emulate_media(reduced_motion="reduce")
    for name in ("pages-students", "pages-progress-running", "pages-landing"):
        tab.goto(f"{ORIGIN}/{name}")
        assert tab.evaluate(moving) == 0


def test_with_the_readers_own_colours_buttons_have_an_edge_and_the_bar_a_length(tab: Page) -> None:
    tab.emulate_media(forced_colors="active")
    tab.goto(f"{ORIGIN}/pages-students")
    button = tab.get_by_role("button", name="Procesar", exact=True)
    edge, ground = button.evaluate("b => [getComputedStyle(b).borderTopColor, getComputedStyle(b).backgroundColor]")
    assert edge != ground
    tab.goto(f"{ORIGIN}/pages-progress-running")
    assert tab.locator("progress").evaluate("bar => getComputedStyle(bar).appearance") == "auto"


@pytest.mark.parametrize("name", ["pages-students", "pages-confirm-14", "pages-result-mailed", "pages-batches"])
def test_on_paper_there_is_nothing_to_press_and_all_is_black_on_white(tab: Page, name: str) -> None:
    tab.emulate_media(media="print", color_scheme="dark")
    tab.goto(f"{ORIGIN}/{name}")
    for pressed in tab.locator("button, .button, input, select, summary").all():
        expect(pressed).to_be_hidden()
    expect(tab.get_by_role("heading", level=1)).to_be_visible()
    colours = tab.evaluate("""() => [document.body, document.querySelector("h1"), document.querySelector(".quiet")]
        .map((one) => getComputedStyle(one).color)""")
    assert set(colours) == {"rgb(0, 0, 0)"}
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
