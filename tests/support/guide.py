"""The teachers' guide as its template has it: which pictures it wants, and when what `make guide` made of it is old."""

import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import Path

from infra.local.parts import ROOT
from secciones.templates import page_environment
from tests.support.html import check_page, text_of
from tests.unit.web.test_templates import TEMPLATES, USUAL, render

FILES = ROOT / "web/static/guide"
RECORD = ROOT / "web/guide/pictures.json"
PDF = "guia.pdf"
# Pixels of a picture for each that the page gives it: sharp on a phone, where it is shown smaller than it is.
SHARPNESS = 1.5
# A picture that is new in the guide is not there yet.
_ENVIRONMENT = page_environment(
    TEMPLATES, "/secciones/static/{}".format, institution="Ministerio de Educación", domain="clases.edu.sv"
)


@dataclass(frozen=True)
class Picture:
    """One picture of the guide: its file's name, its size on the page and what is said to whoever does not see it."""

    file: str
    width: int
    height: int
    words: str

    @property
    def seen(self) -> list[str]:
        """What the words promise to be seen on it."""
        return re.findall("«(.+?)»", self.words)


def guide_page() -> str:
    """The page as production shows it."""
    return render(replace(USUAL["pages-guide"], context={"address": public_address()}, user=None), _ENVIRONMENT)


def public_address() -> str:
    """Where production is."""
    settings = (ROOT / "infra/terraform/environments/produccion.tfvars").read_text(encoding="utf-8")
    (domain,) = re.findall(r'^domain\s*=\s*"(.+)"', settings, re.MULTILINE)
    return f"https://{domain}/secciones/"


def pictures() -> list[Picture]:
    """In the guide's order."""
    images = [image for main in check_page(guide_page()).iter("main") for image in main.iter("img")]
    return [
        Picture(
            file=Path(image.get("src", "")).name,
            width=int(image.get("width", "")),
            height=int(image.get("height", "")),
            words=image.get("alt", ""),
        )
        for image in images
    ]


def record() -> dict[str, str]:
    """What pictures.json says when all is new: the words of each picture, and a digest of all words of the PDF."""
    (main,) = check_page(guide_page()).iter("main")
    digest = hashlib.sha256(text_of(main).encode()).hexdigest()
    return {picture.file: picture.words for picture in pictures()} | {PDF: digest}
