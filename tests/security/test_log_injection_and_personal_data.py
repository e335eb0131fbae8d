"""Threat: a visitor writes lines into our logs, or an error carries a person's data there. Guard: a line is one JSON
object, and of an unforeseen error only its kind and its place are written.

Take `json.dumps` out of `logs.write`, or write `str(error)` in `write_exception`, and a test here turns red.
"""

import io
import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from secciones import logs
from secciones.adapters.audit import DocumentsAuditLog
from secciones.adapters.sqlite import SqliteDocuments
from secciones.entry import _request_id
from secciones.tasks import answers
from tests.support.site import Pages
from tests.support.world import DUI_AND_NIP, SCHOOL, SECTION, World

SENTINEL = "centinela Luis Ramos 01234567-8 luis@casa.example"
HOSTILE = [
    'x"\n{"severity":"INFO","message":"forged"}',
    "a\r\nb",
    "a\u2028b\u2029c\x85d",
    "\x1b[2J",
    "a\x00b",
    "x" * 9000,
]
TYPED = "98765432-1 tecleado"
JOURNEY = [
    ("GET", "/secciones/entrar", {}),
    ("GET", f"/secciones/oauth2/callback?code={TYPED}&state={TYPED}", {}),
    ("POST", "/secciones/identidad", {"dui": DUI_AND_NIP[0], "nip": DUI_AND_NIP[1]}),
    ("POST", "/secciones/identidad", {"dui": TYPED, "nip": TYPED}),
    ("GET", "/secciones/centros", {}),
    ("GET", f"/secciones/centros/{SCHOOL.id}/{SECTION.id}", {}),
    (
        "POST",
        "/secciones/restablecer",
        {"school": SCHOOL.id, "section": SECTION.id, "student": "e-0", "form_nonce": "n" * 43, "confirmed": "yes"},
    ),
    ("GET", f"/secciones/resultado/{'a' * 26}", {}),
    ("POST", "/secciones/salir", {}),
]


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What goes to standard output, as it goes."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger("secciones")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield stream
    logger.removeHandler(handler)
    logger.setLevel(level)


@pytest.fixture
def pages(pages: Pages, world: World) -> Pages:
    """With the audit that is used, which is a line in the log too."""
    audit = SqliteDocuments(world.documents._path.with_name("audit.sqlite"), world.clock.now)  # type: ignore[attr-defined]
    world.audit = DocumentsAuditLog(audit, world.clock, world.ids, timedelta(days=730))  # type: ignore[assignment]
    return pages


def ask(pages: Pages, method: str, path: str, form: dict[str, str]) -> str:
    cookie = pages.verified()
    answer = pages.post(path, cookie, form) if method == "POST" else pages.get(path, cookie)
    return answer.text + repr(answer.headers)


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:12]))
def test_whatever_a_visitor_sends_a_line_is_a_line(pages: Pages, written: io.StringIO, text: str) -> None:
    for method, path, form in JOURNEY:
        ask(pages, method, path, dict.fromkeys(form, text))
    pages.get(f"/secciones/centros/{text[:300]}", pages.verified(), **{"User-Agent": "x", "Referer": "x"})
    pages.sessions.open("google-1", text, text)
    logs.write("INFO", text, field=text)

    lines = written.getvalue().split("\n")
    assert lines.pop() == ""
    assert len(lines) > 3
    for line in map(json.loads, lines):
        assert {"severity", "message", "request"} <= line.keys()
        assert line["message"] != "forged"


@pytest.mark.parametrize("header", ["X-Cloud-Trace-Context", "traceparent"])
def test_a_request_id_is_hexadecimal_or_our_own(header: str) -> None:
    import flask

    for text in ("0af7651916cd43dd8448eb211c80319c/1;o=1", "<script>", "x" * 500, "forged\tline", "é" * 40):
        headers = {header: text.encode().decode("latin-1")}
        with flask.Flask("x").test_request_context("/", headers=headers) as context:
            request_id = _request_id(context.request)
        assert request_id.isascii()
        assert request_id.replace("-", "").replace("_", "").isalnum()
        assert len(request_id) in {32, 43}


PORTS = {
    "registry": ("verify_teacher", "schools", "roster"),
    "documents": ("get", "delete", "transact"),
    "queue": ("enqueue",),
    "sealer": ("seal",),
    "ids": ("token", "seed"),
}


@pytest.mark.parametrize(("port", "method"), [(port, method) for port, methods in PORTS.items() for method in methods])
def test_nothing_of_an_unforeseen_error_is_written_or_shown(
    pages: Pages,
    written: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    port: str,
    method: str,
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError(SENTINEL) from ValueError(SENTINEL)

    sessions = [pages.session(pages.verified()) for _ in JOURNEY]
    shown = ""
    with monkeypatch.context() as patch:
        patch.setattr(getattr(pages.world, port), method, fail)
        for (verb, path, form), session in zip(JOURNEY, sessions, strict=True):
            patch.setattr(
                pages.sessions.__class__,
                "find",
                lambda _, __, *beside, session=session: (session, dict.fromkeys(beside)),
            )
            answer = pages.post(path, "c" * 43, form) if verb == "POST" else pages.get(path, "c" * 43)
            shown += answer.text + repr(answer.headers)
    captured = capfd.readouterr()
    assert "RuntimeError" in written.getvalue()
    for text in (shown, written.getvalue(), captured.out, captured.err):
        assert "Luis Ramos" not in text
        assert "luis@casa.example" not in text


BACKGROUND = {
    "directory": ("find", "set_temporary_password"),
    "mailer": ("send",),
    "sealer": ("open",),
    "documents": ("transact",),
}


@pytest.mark.parametrize(
    ("port", "method"), [(port, method) for port, methods in BACKGROUND.items() for method in methods]
)
def test_nothing_of_a_workers_error_is_written_or_answered(
    world: World, written: io.StringIO, monkeypatch: pytest.MonkeyPatch, port: str, method: str
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError(SENTINEL) from ValueError(SENTINEL)

    batch_id = world.submit()
    monkeypatch.setattr(getattr(world, port), method, fail)
    answer = answers.answer(lambda: world.work(batch_id))
    assert answer.status_code == 500
    assert "RuntimeError" in written.getvalue()
    assert "Luis Ramos" not in written.getvalue() + answer.get_data(as_text=True)


def test_what_is_typed_is_in_no_line(pages: Pages, written: io.StringIO) -> None:
    for method, path, form in JOURNEY:
        ask(pages, method, path, form)
    text = written.getvalue()
    for secret in (*DUI_AND_NIP, f"{DUI_AND_NIP[0][:8]}-{DUI_AND_NIP[0][8]}", TYPED, "n" * 43):
        assert secret not in text
