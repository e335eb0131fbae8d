"""Does a deployed Secciones answer as it should? The pipeline asks this of the real address, the tests of `make run`.

It needs nothing but Python.

    python3 tests/infra/smoke.py https://www.clases.edu.sv/secciones/ [--rounds=N] [--candidate] [--teacher=FILE]

With `--candidate` it speaks to the revisions that a release is about to promote. With `--teacher` a synthetic teacher
goes all the way to a mail: FILE is JSON with `address`, `password`, `dui` and `nip`, of a sign-in that is two plain
forms. Otherwise nobody is signed in, and all it leaves behind is refusals in the audit.
"""

import argparse
import json
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from html.parser import HTMLParser
from pathlib import Path

TIMEOUT_SECONDS = 20
MAIL_SECONDS = 180
CANDIDATE = "candidate.internal"  # infra/terraform/front_door.tf
HEADERS = {
    "Content-Security-Policy": "default-src 'none'",
    "Strict-Transport-Security": "max-age=",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
BEHIND_THE_DOOR = ("identidad", "centros", "resultado/nada")
_TYPED = {"email", "password", "text"}

Fields = list[tuple[str, str]]


@dataclass(frozen=True)
class Answer:
    """What came back, redirects not followed."""

    url: str
    status: int
    headers: Message
    body: str

    @property
    def location(self) -> str:
        return urllib.parse.urljoin(self.url, str(self.headers.get("Location", "")))


@dataclass
class Browser:
    """Keeps cookies, by host; speaks to our own address by another `host` name when it is given one."""

    url: str
    host: str = ""
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)

    def ask(self, url: str, form: Fields | None = None) -> Answer:
        """One request. An address where nobody answers has the status 0."""
        site, data = urllib.parse.urlsplit(url), None if form is None else urllib.parse.urlencode(form).encode()
        kept = self.cookies.setdefault(site.netloc, {})
        request = urllib.request.Request(url, data)
        if form is not None:
            request.add_header("Origin", f"{site.scheme}://{site.netloc}")
        if kept:
            request.add_header("Cookie", "; ".join(f"{name}={value}" for name, value in kept.items()))
        if self.host and site.netloc == urllib.parse.urlsplit(self.url).netloc:
            request.add_header("Host", self.host)
        answer = _answer(request)
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            kept[name] = value
        return answer

    def open(self, url: str, form: Fields | None = None) -> Answer:
        """One request, and where it leads."""
        answer = self.ask(url, form)
        for _ in range(10):
            if answer.status not in {301, 302, 303, 307, 308}:
                break
            answer = self.ask(answer.location)
        return answer


class Page(HTMLParser):
    """The links of a page, and the fields of each of its forms."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[tuple[str, list[Mapping[str, str]]]] = []
        self._base = answer.url
        self.feed(answer.body)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "a":
            self.links.append(urllib.parse.urljoin(self._base, values.get("href", "")))
        elif tag == "form":
            self.forms.append((urllib.parse.urljoin(self._base, values.get("action", "")), []))
        elif tag == "input" and self.forms and values.get("name"):
            self.forms[-1][1].append(values)


def problems(url: str, host: str = "") -> Iterator[str]:
    """All that is wrong at this address, which ends in `/secciones/`; nothing when all is well."""
    browser = Browser(url, host)
    landing = browser.ask(url)
    yield from _expect(landing.status == 200, f"the landing page answers {landing.status}")
    yield from _expect('href="/secciones/entrar"' in landing.body, "the landing page has no way in")
    for name, part in HEADERS.items():
        yield from _expect(part in landing.headers.get(name, ""), f"the landing page's {name} is not ours")
    yield from _static(browser, landing)
    yield from _sign_in(browser.ask(urllib.parse.urljoin(url, "entrar")))
    for path in BEHIND_THE_DOOR:
        yield from _closed(Browser(url, host).ask(urllib.parse.urljoin(url, path)), path)
    posted = Browser(url, host).ask(urllib.parse.urljoin(url, "restablecer"), [("student", "1")])
    yield from _expect(posted.status in {401, 403}, f"a form of nobody's is answered with {posted.status}")
    short = browser.ask(url.removesuffix("/"))
    yield from _expect(short.status == 301, f"the address without its last slash answers {short.status}")
    if url.startswith("https:"):
        plain = browser.ask(url.replace("https:", "http:", 1))
        leads_on = plain.status == 301 and plain.location.startswith("https:")
        yield from _expect(leads_on, "plain HTTP does not lead to HTTPS")


def journey_problems(url: str, teacher: Mapping[str, str], host: str = "") -> Iterator[str]:
    """What keeps a synthetic teacher from the mail with a student's new password; nothing when it is sent."""
    browser = Browser(url, host)
    page = _through_the_sign_in(browser, browser.open(urllib.parse.urljoin(url, "entrar")), teacher)
    for step, action in (
        ("the page of DUI and NIP", "/secciones/identidad"),
        ("the students of a section", "/secciones/restablecer"),
        ("the page to confirm", "/secciones/restablecer"),
    ):
        page = _to_the_form(browser, page, action)
        form = _form(page, action)
        if form is None:
            yield f"the teacher does not come to {step}: {page.url} answers {page.status}"
            return
        page = browser.open(form[0], _filled(form[1], {"dui": teacher["dui"], "nip": teacher["nip"]}))
    yield from _mailed(browser, page, teacher["address"])


def _through_the_sign_in(browser: Browser, page: Answer, teacher: Mapping[str, str]) -> Answer:
    """Address and password, in one form or in two, until the provider leads back to us."""
    home = urllib.parse.urlsplit(browser.url).netloc
    for _ in range(3):
        asked = [form for form in Page(page).forms if any(values.get("type") in _TYPED for values in form[1])]
        if urllib.parse.urlsplit(page.url).netloc == home or not asked:
            break
        action, fields = asked[0]
        typed = {
            values["name"]: teacher["password" if values["type"] == "password" else "address"]
            for values in fields
            if values.get("type") in _TYPED
        }
        page = browser.open(action, _filled(fields, typed))
    return page


def _to_the_form(browser: Browser, page: Answer, action: str) -> Answer:
    """From the page of schools to the first of them, and to its first section; from elsewhere no step at all."""
    for _ in range(2):
        deeper = [link for link in Page(page).links if link.startswith(f"{page.url}/")]
        if _form(page, action) or not deeper:
            break
        page = browser.open(deeper[0])
    return page


def _form(page: Answer, action: str) -> tuple[str, list[Mapping[str, str]]] | None:
    forms = [form for form in Page(page).forms if urllib.parse.urlsplit(form[0]).path == action]
    return forms[-1] if forms else None


def _filled(fields: list[Mapping[str, str]], given: Mapping[str, str]) -> Fields:
    """The fields of a form with what is given, and the first of its boxes ticked."""
    first = next((values for values in fields if values.get("type") == "checkbox" and values.get("value")), None)
    return [
        (values["name"], given.get(values["name"], values.get("value", "")))
        for values in fields
        if values.get("type") not in {"submit", "button", "checkbox"} or values is first
    ]


def _mailed(browser: Browser, page: Answer, address: str) -> Iterator[str]:
    if not urllib.parse.urlsplit(page.url).path.startswith("/secciones/resultado/"):
        yield f"the teacher's choice is not taken: {page.url} answers {page.status}"
        return
    end = time.monotonic() + MAIL_SECONDS
    while f"enviados al correo {address}" not in " ".join(re.sub("<[^>]*>", "", page.body).split()):
        if time.monotonic() > end:
            yield f"no mail was sent within {MAIL_SECONDS} seconds: see {page.url}"
            return
        time.sleep(1)
        page = browser.open(page.url)


def _static(browser: Browser, landing: Answer) -> Iterator[str]:
    names = set(re.findall(r'"(/secciones/static/[^"]+)"', landing.body))
    yield from _expect(bool(names), "the landing page has no static file")
    for name in sorted(names):
        file = browser.ask(urllib.parse.urljoin(browser.url, name))
        kept = "max-age=31536000" in file.headers.get("Cache-Control", "")
        yield from _expect(file.status == 200, f"{name} answers {file.status}")
        yield from _expect(kept, f"{name} is not kept for a year")


def _sign_in(answer: Answer) -> Iterator[str]:
    asked = urllib.parse.parse_qs(urllib.parse.urlsplit(answer.location).query)
    yield from _expect(answer.status in {302, 303}, f"the way in answers {answer.status}")
    yield from _expect(asked.get("code_challenge_method") == ["S256"], "the sign-in goes without PKCE")
    yield from _expect("state" in asked and "nonce" in asked, "the sign-in goes without state or nonce")


def _closed(answer: Answer, path: str) -> Iterator[str]:
    led_out = answer.status in {302, 303} and "/secciones/" in answer.location
    yield from _expect(answer.status in {401, 403} or led_out, f"{path} answers {answer.status} to nobody")


def _expect(holds: bool, otherwise: str) -> Iterator[str]:
    if not holds:
        yield otherwise


class _Unfollowed(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def _answer(request: urllib.request.Request) -> Answer:
    opener = urllib.request.build_opener(_Unfollowed)
    try:
        with opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
            return Answer(request.full_url, answer.status, answer.headers, answer.read().decode("utf-8", "replace"))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(request.full_url, error.code, error.headers, error.read().decode("utf-8", "replace"))
    except OSError as error:
        return Answer(request.full_url, 0, Message(), str(error))


def main() -> None:
    """Look as often as the command line says; end with 1 at the first round in which something is wrong."""
    parser = argparse.ArgumentParser(description="Does a deployed Secciones answer as it should?")
    parser.add_argument("url", help="the address of the landing page")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--candidate", action="store_true")
    parser.add_argument("--teacher", type=Path)
    given = parser.parse_args()
    host = CANDIDATE if given.candidate else ""
    for _ in range(given.rounds):
        if found := list(problems(given.url, host)):
            sys.exit("\n".join(found))
    if given.teacher and (found := list(journey_problems(given.url, json.loads(given.teacher.read_text()), host))):
        sys.exit("\n".join(found))
    sys.stdout.write(f"{given.url} answers as it should\n")


if __name__ == "__main__":
    main()
