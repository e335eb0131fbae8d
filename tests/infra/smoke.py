"""Does a deployed Secciones answer as it should? The pipeline asks this of the real address, the tests of `make run`.

It needs nothing but Python and signs nobody in; all it leaves behind is refusals in the audit.

    python3 tests/infra/smoke.py https://www.clases.edu.sv/secciones/ [--rounds=N]
"""

import argparse
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message

TIMEOUT_SECONDS = 20
HEADERS = {
    "Content-Security-Policy": "default-src 'none'",
    "Strict-Transport-Security": "max-age=",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
BEHIND_THE_DOOR = ("identidad", "centros", "resultado/nada")


@dataclass(frozen=True)
class Answer:
    """What came back, redirects not followed."""

    status: int
    headers: Message
    body: str

    @property
    def location(self) -> str:
        return str(self.headers.get("Location", ""))


def problems(url: str) -> Iterator[str]:
    """All that is wrong at this address, which ends in `/secciones/`; nothing when all is well."""
    landing = _get(url)
    yield from _expect(landing.status == 200, f"the landing page answers {landing.status}")
    yield from _expect('href="/secciones/entrar"' in landing.body, "the landing page has no way in")
    for name, part in HEADERS.items():
        yield from _expect(part in landing.headers.get(name, ""), f"the landing page's {name} is not ours")
    yield from _static(url, landing)
    yield from _sign_in(urllib.parse.urljoin(url, "entrar"))
    for path in BEHIND_THE_DOOR:
        yield from _closed(urllib.parse.urljoin(url, path), path)
    posted = _get(urllib.parse.urljoin(url, "restablecer"), data=b"student=1")
    yield from _expect(posted.status in {401, 403}, f"a form of nobody's is answered with {posted.status}")
    short = _get(url.removesuffix("/"))
    yield from _expect(short.status == 301, f"the address without its last slash answers {short.status}")
    if url.startswith("https:"):
        plain = _get(url.replace("https:", "http:", 1))
        yield from _expect(
            plain.status == 301 and plain.location.startswith("https:"), "plain HTTP does not lead to HTTPS"
        )


def _static(url: str, landing: Answer) -> Iterator[str]:
    names = set(re.findall(r'"(/secciones/static/[^"]+)"', landing.body))
    yield from _expect(bool(names), "the landing page has no static file")
    for name in sorted(names):
        file = _get(urllib.parse.urljoin(url, name))
        yield from _expect(file.status == 200, f"{name} answers {file.status}")
        yield from _expect(
            "max-age=31536000" in file.headers.get("Cache-Control", ""), f"{name} is not kept for a year"
        )


def _sign_in(url: str) -> Iterator[str]:
    answer = _get(url)
    asked = urllib.parse.parse_qs(urllib.parse.urlsplit(answer.location).query)
    yield from _expect(answer.status in {302, 303}, f"the way in answers {answer.status}")
    yield from _expect(asked.get("code_challenge_method") == ["S256"], "the sign-in goes without PKCE")
    yield from _expect("state" in asked and "nonce" in asked, "the sign-in goes without state or nonce")


def _closed(url: str, path: str) -> Iterator[str]:
    answer = _get(url)
    led_out = answer.status in {302, 303} and "/secciones/" in answer.location
    yield from _expect(answer.status in {401, 403} or led_out, f"{path} answers {answer.status} to nobody")


def _expect(holds: bool, otherwise: str) -> Iterator[str]:
    if not holds:
        yield otherwise


class _Unfollowed(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def _get(url: str, data: bytes | None = None) -> Answer:
    opener = urllib.request.build_opener(_Unfollowed)
    try:
        with opener.open(urllib.request.Request(url, data=data), timeout=TIMEOUT_SECONDS) as answer:
            return Answer(answer.status, answer.headers, answer.read().decode("utf-8", "replace"))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read().decode("utf-8", "replace"))
    except OSError as error:
        return Answer(0, Message(), str(error))


def main() -> None:
    """Look as often as the command line says; end with 1 at the first round in which something is wrong."""
    parser = argparse.ArgumentParser(description="Does a deployed Secciones answer as it should?")
    parser.add_argument("url", help="the address of the landing page")
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    for _ in range(given.rounds):
        if found := list(problems(given.url)):
            sys.exit("\n".join(found))
    sys.stdout.write(f"{given.url} answers as it should\n")


if __name__ == "__main__":
    main()
