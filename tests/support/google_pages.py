"""What people do on the pages of the Google stand-in: read their mail, sign in, choose a new password."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import requests

from tests.support.visitor import Visit, Visitor


@dataclass(frozen=True)
class Letter:
    """A mail as its reader has it."""

    subject: str
    text: str
    html: str
    attachments: dict[str, bytes]


def letters(google: str, address: str) -> list[Letter]:
    """A mailbox, newest first."""
    reader = Visitor(google, check=None)
    mailbox = reader.get(f"/mail/{address}")
    # Not by its text: a mail that was sent twice has one subject.
    links = [urljoin(mailbox.url, link.get("href", "")) for link in mailbox.page.iterfind(".//a")]
    return [_letter(reader, link) for link in links if f"/mail/{address}/" in link]


def wait_for(what: str, found: Callable[[], Any], seconds: float = 30) -> Any:
    """The first true answer; fails the test when there is none in time."""
    until = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < until, f"waited {seconds} s for {what}"
        time.sleep(0.1)
    return answer


def sign_in_as_student(google: str, address: str, password: str) -> Visit:
    """The page that Google shows after address and password."""
    browser = Visitor(google, check=None)
    chooser = browser.get("/signin")
    asked = browser.submit(chooser, "/v3/signin/identifier", identifier=address)
    return browser.submit(asked, "/v3/signin/challenge/pwd", password=password)


def sign_in_by_code(code: str, password: str) -> Visit:
    """The page that Google shows after a slip's code was opened and its password typed."""
    browser = Visitor(code.partition("/AddSession?")[0], check=None)
    return browser.submit(browser.get(code), "/v3/signin/challenge/pwd", password=password)


def choose_password(google: str, shown: Visit, password: str) -> Visit:
    """Fill in the page that demands a new password."""
    return Visitor(google, check=None).submit(
        shown, "/v3/signin/changepassword", new_password=password, new_password_again=password
    )


def control(method: str, url: str, value: Any = None) -> None:
    """Tell a stand-in to misbehave, or to stop it."""
    requests.request(method, url, json=value, timeout=10).raise_for_status()


def changes(google: str) -> list[dict[str, Any]]:
    """What the Directory was told to change, in order."""
    return [call for call in _history(google)["directory"] if call["changes"]]


def mails(google: str) -> list[dict[str, Any]]:
    """What was mailed, in order."""
    sent: list[dict[str, Any]] = _history(google)["mail"]
    return sent


def _history(google: str) -> Any:
    # After a load it reads thousands of mails.
    return requests.get(f"{google}/_control/history", timeout=300).json()


def _letter(reader: Visitor, link: str) -> Letter:
    visit = reader.get(link)
    files = {name: url for name, url in visit.links().items() if "/attachments/" in url}
    text = visit.page.find(".//pre")
    assert text is not None
    return Letter(
        subject=visit.heading,
        text="".join(text.itertext()),
        html=reader.session.get(f"{link}/body", timeout=10).content.decode(),
        attachments={name: reader.session.get(url, timeout=10).content for name, url in files.items()},
    )
