"""The teachers' guide: what it says of a page is on that page, and its pictures and its PDF are those of its words."""

import json
import re
from xml.etree.ElementTree import Element

import pytest
from PIL import Image

from tests.support.guide import FILES, PDF, RECORD, SHARPNESS, Picture, guide_page, pictures, record
from tests.support.html import check_page, text_of
from tests.unit.web.test_templates import USUAL, WEB, render

KILOBYTE = 1024
# What each picture shows; the mail is a template of its own.
SHOWN = {
    "landing.webp": "pages-landing",
    "google.webp": "pages-landing",
    "identity.webp": "pages-identity",
    "schools.webp": "pages-schools-list",
    "sections.webp": "pages-schools-chosen",
    "students.webp": "pages-students",
    "confirm.webp": "pages-confirm-28",
    "progress.webp": "pages-progress-running",
    "result.webp": "pages-result-mailed",
}
OLD = "the guide's pictures are old: run `make guide`"


def shown_by(file: str) -> str:
    """The source of the page, with every number as #: a picture has other numbers than a sample."""
    html = render(USUAL[SHOWN[file]]) if file in SHOWN else (WEB / "mail/mail.html").read_text()
    return without_numbers(html)


def without_numbers(text: str) -> str:
    return re.sub(r"\d+", "#", text)


def steps() -> list[Element]:
    return [step for steps in check_page(guide_page()).iter("ol") for step in steps]


@pytest.mark.parametrize("picture", pictures(), ids=lambda picture: picture.file)
def test_what_a_picture_is_said_to_show_is_on_that_page(picture: Picture) -> None:
    assert picture.seen
    for words in picture.seen:
        assert without_numbers(words) in shown_by(picture.file), f"the guide speaks of {words}"


@pytest.mark.parametrize("number", range(9))
def test_what_a_step_names_is_on_a_page_that_it_or_the_step_before_shows(number: int) -> None:
    images = [image for step in steps()[max(0, number - 1) : number + 1] for image in step.iter("img")]
    pages = [shown_by(image.get("src", "").rpartition("/")[2]) for image in images]
    for words in (text_of(name) for name in steps()[number].iter("b")):
        assert [page for page in pages if words in page], f"the guide speaks of {words}"


def test_what_an_answer_names_is_on_some_page() -> None:
    everything = "".join(render(sample) for sample in USUAL.values() if sample.template != "pages/guide.html")
    for words in (text_of(name) for name in check_page(guide_page()).iter("b")):
        assert words in everything, f"the guide speaks of {words}"


def test_pictures_and_pdf_were_made_of_these_words() -> None:
    assert json.loads(RECORD.read_text()) == record(), OLD
    assert {path.name for path in FILES.iterdir()} == {picture.file for picture in pictures()} | {PDF}, OLD


@pytest.mark.parametrize("picture", pictures(), ids=lambda picture: picture.file)
def test_a_picture_is_as_large_as_the_page_says_so_that_nothing_moves_when_it_comes(picture: Picture) -> None:
    with Image.open(FILES / picture.file) as image:
        assert image.size == (picture.width * SHARPNESS, picture.height * SHARPNESS), OLD


def test_pictures_wait_until_they_come_into_view_and_weigh_little() -> None:
    images = [image for step in steps() for image in step.iter("img")]
    assert {image.get("loading") for image in images} == {"lazy"}
    weights = [(FILES / picture.file).stat().st_size for picture in pictures()]
    assert max(weights) <= 25 * KILOBYTE
    assert sum(weights) <= 140 * KILOBYTE
