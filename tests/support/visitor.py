"""A person with a browser that has no JavaScript: follows links, fills forms, and looks twice at every page."""

from collections.abc import Callable
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urljoin, urlsplit
from xml.etree.ElementTree import Element

import requests
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar, get_cookie_header

from tests.support.html import check_page_once, parse_page, text_of

Fields = list[tuple[str, str]]


@dataclass
class Visit:
    """One page that was fetched."""

    url: str
    status: int
    html: str
    headers: requests.structures.CaseInsensitiveDict[str]
    history: list[requests.Response] = field(default_factory=list)

    @property
    def page(self) -> Element:
        return parse_page(self.html)

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def text(self) -> str:
        return text_of(self.page)

    @property
    def heading(self) -> str:
        heading = self.page.find(".//h1")
        return text_of(heading) if heading is not None else ""

    def links(self) -> dict[str, str]:
        """Where each link leads, by its text."""
        return {text_of(link): urljoin(self.url, link.get("href", "")) for link in self.page.iterfind(".//a")}

    def form(self, action: str) -> Element:
        """The form that is sent to a path; the last, as pages with a menu have one more at the top."""
        forms = [form for form in self.page.iterfind(".//form") if urlsplit(form.get("action", "")).path == action]
        assert forms, f"no form for {action} on {self.url}: {self.text}"
        return forms[-1]


class _LoopbackIsSecure(HTTPAdapter):
    """Brings secure cookies to a loopback address without TLS, as Chromium does and requests alone would not."""

    def __init__(self, jar: RequestsCookieJar) -> None:
        super().__init__()
        self._jar = jar

    def add_headers(self, request: requests.PreparedRequest, **_: object) -> None:
        if self._jar:
            request.headers.pop("Cookie", None)
        if cookies := get_cookie_header(self._jar, request):
            request.headers["Cookie"] = cookies


class Visitor:
    """One browser at home at `origin`. `check` sees each page of it; a stand-in's pages are not ours to judge."""

    def __init__(self, origin: str, check: Callable[[str], object] | None = check_page_once) -> None:
        self.origin = origin
        self.check = check
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.cookies.set_policy(DefaultCookiePolicy(secure_protocols=["http", "https"]))
        self.session.mount("http://", _LoopbackIsSecure(self.session.cookies))

    def get(self, url: str, **headers: str) -> Visit:
        """Open an address; a path is the front door's."""
        return self._visit("GET", url, headers=headers)

    def post(self, url: str, fields: Fields | dict[str, str] | None = None, **headers: str) -> Visit:
        """Send a form that no page may have had."""
        return self._visit("POST", url, data=fields or {}, headers={"Origin": self.origin} | headers)

    def submit(self, visit: Visit, action: str, ticked: set[str] | None = None, **fields: str) -> Visit:
        """Fill the form of a page and send it; `ticked` are the values of the boxes, all of them when None."""
        sent = [
            (name, fields.pop(name, element.get("value", "")))
            for element in visit.form(action).iter("input")
            if (name := element.get("name", "")) and _is_sent(element, ticked)
        ]
        return self.post(urljoin(visit.url, action), [*sent, *fields.items()])

    def sign_in(self, address: str, password: str) -> Visit:
        """From the landing page through Google's pages and back."""
        landing = self.get("/secciones/")
        chooser = self.get(landing.links()["Iniciar sesión con Google"])
        asked = self.submit(chooser, "/v3/signin/identifier", identifier=address)
        return self.submit(asked, "/v3/signin/challenge/pwd", password=password)

    def verify(self, visit: Visit, dui: str, nip: str) -> Visit:
        """Fill in DUI and NIP."""
        return self.submit(visit, "/secciones/identidad", dui=dui, nip=nip)

    def enter(self, person: dict[str, str]) -> Visit:
        """All the way in: the page of schools, or of the only school."""
        signed_in = self.sign_in(person["address"], person["password"])
        return self.verify(signed_in, person["dui"], person["nip"])

    def cookie(self) -> str:
        """The value of the session's cookie."""
        return self.session.cookies.get("__Host-session") or ""

    def _visit(self, method: str, url: str, **arguments: object) -> Visit:
        answer = self.session.request(method, urljoin(self.origin, url), timeout=30, **arguments)  # type: ignore[arg-type]
        is_page = "html" in answer.headers.get("Content-Type", "") and answer.url.startswith(self.origin)
        if is_page and self.check:
            self.check(answer.text)
        return Visit(answer.url, answer.status_code, answer.text, answer.headers, answer.history)


def open_section(visitor: Visitor, schools: Visit, school: int = 0, section: int = 0) -> Visit:
    """From the page of schools to the students of a section, by position."""
    if schools.path == "/secciones/centros":
        links = [link for link in schools.links().values() if link.count("/") == 5 and "/centros/" in link]
        schools = visitor.get(links[school])
    links = [link for link in schools.links().values() if link.count("/") == 6 and "/centros/" in link]
    return visitor.get(links[section])


def _is_sent(element: Element, ticked: set[str] | None) -> bool:
    if element.get("type") == "checkbox":
        return bool(element.get("value")) and (ticked is None or element.get("value") in ticked)
    return element.get("type") not in {"submit", "button"}
