"""The SIGES client against a server that does as it is told: it breaks off, stalls, lies and answers nonsense."""

import copy
import gzip
import json
import re
import socket
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secciones.adapters.siges import SigesRegistry
from secciones.domain.errors import NotAssigned, RegistryUnavailable
from secciones.domain.people import Dui, Nip
from secciones.domain.roster import Roster, School

TOKEN = "a-secret-token-of-the-registry"
DUI, NIP = Dui.parse("04561239-7"), Nip.parse("0023187")
TEACHER = {"id": "doc-1", "givenNames": "Marta", "surnames": "Guardado", "email": "marta@clases.edu.sv"}
SECTION = {
    "id": "sec-1", "code": "1", "name": "A", "grade": "Noveno Grado", "shift": "Matutino", "state": "open",
    "studentCount": 1,
}  # fmt: skip
SCHOOL = {"id": "ce-1", "code": "99101", "name": "Centro", "department": "Morazán", "municipality": "Morazán Norte"}
STUDENT = {
    "id": "est-1", "nie": "1204048", "givenNames": "Ana", "surnames": "Núñez", "email": None, "enrolment": "active",
}  # fmt: skip
SCHOOLS = {"schoolYear": "2026", "schools": [{**SCHOOL, "sections": [SECTION]}]}
STUDENTS = {"schoolYear": "2026", "school": SCHOOL, "section": SECTION, "students": [STUDENT]}
BROKEN_OFF = None


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    headers: dict[str, str]
    body: str


class ScriptedServer(HTTPServer):
    """Gives the answers of its script in turn, the last one for ever; `None` breaks the connection off."""

    script: list[Answer | None]
    received: list[Received]

    def answers(self, *script: Answer | None) -> None:
        self.script, self.received = list(script), []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: ScriptedServer

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        self.server.received.append(Received(self.command, self.path, dict(self.headers), body))
        answer = self.server.script.pop(0) if len(self.server.script) > 1 else self.server.script[0]
        if answer is not None:
            self._send(answer)

    do_POST = do_GET  # the name is the base class's

    def _send(self, answer: Answer) -> None:
        content = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in {"Content-Length": str(len(content)), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing: a test says what went wrong."""


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(("127.0.0.1", 0), _Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def registry(server: ScriptedServer, waits: list[float]) -> SigesRegistry:
    return SigesRegistry(server.url, TOKEN, random=lambda: 0.5, sleep=waits.append)


def problem(status: int, code: str, **headers: str) -> Answer:
    body = {"type": "about:blank", "title": "…", "status": status, "code": code}
    return Answer(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


class TestRepeating:
    def test_a_read_survives_two_broken_connections(
        self, server: ScriptedServer, registry: SigesRegistry, waits: list[float]
    ) -> None:
        server.answers(BROKEN_OFF, BROKEN_OFF, Answer(body=SCHOOLS))
        assert [school.code for school in registry.schools("doc-1")] == ["99101"]
        assert len(waits) == 2
        assert 0 <= waits[0] <= 0.25
        assert 0 <= waits[1] <= 0.5

    def test_a_read_gives_up_after_three_tries(self, server: ScriptedServer, registry: SigesRegistry) -> None:
        server.answers(BROKEN_OFF)
        with pytest.raises(RegistryUnavailable):
            registry.schools("doc-1")
        assert len(server.received) == 3

    def test_a_read_survives_a_broken_answer(self, server: ScriptedServer, registry: SigesRegistry) -> None:
        server.answers(Answer(body=b'{"school', headers={"Content-Length": "900"}), Answer(body=SCHOOLS))
        assert len(registry.schools("doc-1")) == 1

    def test_a_read_survives_a_broken_chunk(self, server: ScriptedServer, registry: SigesRegistry) -> None:
        for body in (b"zz\r\n{}\r\n0\r\n\r\n", b'40\r\n{"schools'):
            server.answers(Answer(body=body, headers={"Transfer-Encoding": "chunked"}), Answer(body=SCHOOLS))
            assert len(registry.schools("doc-1")) == 1

    def test_a_read_that_had_to_wait_too_long_is_not_repeated(self, waits: list[float]) -> None:
        """Whoever looks at a page has waited enough."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            with pytest.raises(RegistryUnavailable):
                SigesRegistry(url, TOKEN, 0.1, random=lambda: 0.5, sleep=waits.append).schools("doc-1")
        assert waits == []

    @pytest.mark.parametrize("status", [429, 502, 503, 504])
    def test_a_read_survives_a_passing_failure(
        self, server: ScriptedServer, registry: SigesRegistry, status: int
    ) -> None:
        server.answers(Answer(status, b"<html>try again</html>"), Answer(body=STUDENTS))
        assert len(registry.roster("doc-1", "sec-1").students) == 1

    @pytest.mark.parametrize("status", [400, 401, 403, 500])
    def test_a_read_does_not_repeat_what_would_fail_again(
        self, server: ScriptedServer, registry: SigesRegistry, status: int
    ) -> None:
        server.answers(problem(status, "x"))
        with pytest.raises(RegistryUnavailable):
            registry.schools("doc-1")
        assert len(server.received) == 1

    def test_a_read_waits_as_long_as_it_is_asked_to(
        self, server: ScriptedServer, registry: SigesRegistry, waits: list[float]
    ) -> None:
        server.answers(problem(503, "unavailable", Retry_After="1"), Answer(body=SCHOOLS))
        registry.schools("doc-1")
        assert waits == [1.0]

    @pytest.mark.parametrize("status", [429, 503])
    def test_a_read_does_not_make_a_person_wait_long(
        self, server: ScriptedServer, registry: SigesRegistry, waits: list[float], status: int
    ) -> None:
        server.answers(problem(status, "x", Retry_After="120"), Answer(body=SCHOOLS))
        with pytest.raises(RegistryUnavailable):
            registry.schools("doc-1")
        assert (len(server.received), waits) == (1, [])

    @pytest.mark.parametrize("asked", ["Wed, 21 Oct 2026 07:28:00 GMT", "-1", "soon", "1e9", "9" * 30])
    def test_a_strange_retry_after_is_ignored(
        self, server: ScriptedServer, registry: SigesRegistry, waits: list[float], asked: str
    ) -> None:
        server.answers(problem(503, "unavailable", Retry_After=asked), Answer(body=SCHOOLS))
        registry.schools("doc-1")
        assert max(waits) <= 0.25

    def test_a_verification_is_repeated_once_when_no_answer_came(
        self, server: ScriptedServer, registry: SigesRegistry
    ) -> None:
        server.answers(BROKEN_OFF, Answer(body=TEACHER))
        assert registry.verify_teacher(DUI, NIP) is not None

    def test_a_verification_gives_up_after_two_tries(self, server: ScriptedServer, registry: SigesRegistry) -> None:
        server.answers(BROKEN_OFF)
        with pytest.raises(RegistryUnavailable):
            registry.verify_teacher(DUI, NIP)
        assert len(server.received) == 2

    @pytest.mark.parametrize("status", [429, 502, 503, 504])
    def test_a_verification_that_was_answered_is_not_repeated(
        self, server: ScriptedServer, registry: SigesRegistry, status: int
    ) -> None:
        server.answers(problem(status, "unavailable"), Answer(body=TEACHER))
        with pytest.raises(RegistryUnavailable):
            registry.verify_teacher(DUI, NIP)
        assert len(server.received) == 1


class TestRequests:
    def test_carry_the_token_and_keep_the_numbers_in_the_body(
        self, server: ScriptedServer, registry: SigesRegistry
    ) -> None:
        server.answers(Answer(body=TEACHER))
        registry.verify_teacher(DUI, NIP)
        [received] = server.received
        assert (received.method, received.path) == ("POST", "/v1/teachers/verification")
        assert received.headers["Authorization"] == f"Bearer {TOKEN}"
        assert json.loads(received.body) == {"dui": "045612397", "nip": "0023187"}

    def test_go_below_the_path_of_its_address(self, server: ScriptedServer) -> None:
        server.answers(Answer(body=SCHOOLS))
        SigesRegistry(f"{server.url}/siges/", TOKEN, random=lambda: 0.5).schools("doc-1")
        assert server.received[0].path == "/siges/v1/teachers/doc-1/schools"

    def test_take_no_proxy_and_no_password_from_the_machine(
        self, server: ScriptedServer, waits: list[float], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
    ) -> None:
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("NO_PROXY", "")
        server.answers(Answer(body=SCHOOLS))
        SigesRegistry(server.url, TOKEN, random=lambda: 0.5, sleep=waits.append).schools("doc-1")
        assert server.received[0].headers["Authorization"] == f"Bearer {TOKEN}"

    def test_send_no_cookie_back(self, server: ScriptedServer, registry: SigesRegistry) -> None:
        server.answers(Answer(body=SCHOOLS, headers={"Set-Cookie": "JSESSIONID=1; Path=/"}))
        registry.schools("doc-1")
        registry.schools("doc-1")
        assert "Cookie" not in server.received[1].headers

    def test_follow_no_redirect(self, server: ScriptedServer, registry: SigesRegistry) -> None:
        server.answers(Answer(307, {}, {"Location": "/elsewhere"}), Answer(body=TEACHER))
        with pytest.raises(RegistryUnavailable):
            registry.verify_teacher(DUI, NIP)
        assert len(server.received) == 1

    @pytest.mark.parametrize("odd_id", ["", "..", "a/b", "a%2Fb", "ñ", "a b", "a\n", "x" * 65, "?q", "\u202e"])
    def test_are_not_made_for_what_cannot_be_an_id(
        self, server: ScriptedServer, registry: SigesRegistry, odd_id: str
    ) -> None:
        server.answers(Answer(body=STUDENTS))
        for ask in (lambda: registry.schools(odd_id), lambda: registry.roster("doc-1", odd_id)):
            with pytest.raises(NotAssigned):
                ask()
        assert server.received == []


class TestAnswers:
    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(Answer(404, b"<html>Not Found</html>"), id="a page"),
            pytest.param(Answer(404, {"status": 404}), id="no code"),
            pytest.param(problem(404, "not_found"), id="another code"),
        ],
    )
    def test_a_404_of_something_else_says_nothing_about_people(
        self, server: ScriptedServer, registry: SigesRegistry, answer: Answer
    ) -> None:
        server.answers(answer)
        with pytest.raises(RegistryUnavailable):
            registry.verify_teacher(DUI, NIP)
        with pytest.raises(RegistryUnavailable):
            registry.schools("doc-1")
        with pytest.raises(RegistryUnavailable):
            registry.roster("doc-1", "sec-1")

    def test_a_404_of_the_contract_does(self, server: ScriptedServer, registry: SigesRegistry) -> None:
        server.answers(problem(404, "teacher_not_found"))
        assert registry.verify_teacher(DUI, NIP) is None
        with pytest.raises(NotAssigned):
            registry.schools("doc-1")
        server.answers(problem(404, "section_not_found"))
        with pytest.raises(NotAssigned):
            registry.roster("doc-1", "sec-1")

    @pytest.mark.parametrize(
        "body",
        [b"", b"null", b"[]", b'"x"', b"<html>", b"\xff", b"{", b"[" * 100_000, b'{"schools": null}', b"NaN"],
        ids=lambda body: repr(body[:12]),
    )
    def test_nonsense_is_a_registry_that_is_not_available(
        self, server: ScriptedServer, registry: SigesRegistry, body: bytes
    ) -> None:
        server.answers(Answer(200, body))
        with pytest.raises(RegistryUnavailable):
            registry.schools("doc-1")
        with pytest.raises(RegistryUnavailable):
            registry.verify_teacher(DUI, NIP)

    @pytest.mark.parametrize("said", ["application/json; charset=iso-8859-1", "text/html; charset=nonsense", ""])
    def test_json_is_utf_8_whatever_is_said_of_it(
        self, server: ScriptedServer, registry: SigesRegistry, said: str
    ) -> None:
        body = json.dumps({**TEACHER, "surnames": "Núñez"}, ensure_ascii=False).encode()
        server.answers(Answer(body=body, headers={"Content-Type": said}))
        teacher = registry.verify_teacher(DUI, NIP)
        assert teacher is not None
        assert teacher.surnames == "Núñez"

    def test_an_answer_may_be_compressed(self, server: ScriptedServer, registry: SigesRegistry) -> None:
        body = gzip.compress(json.dumps(SCHOOLS).encode())
        server.answers(Answer(body=body, headers={"Content-Encoding": "gzip"}))
        assert len(registry.schools("doc-1")) == 1
        assert server.received[0].headers["Accept-Encoding"] == "gzip"
        server.answers(Answer(body=body[:-20] + b"x" * 20, headers={"Content-Encoding": "gzip"}))
        with pytest.raises(RegistryUnavailable):
            registry.schools("doc-1")

    def test_another_section_than_the_one_asked_for_is_refused(
        self, server: ScriptedServer, registry: SigesRegistry
    ) -> None:
        server.answers(Answer(body=STUDENTS))
        with pytest.raises(RegistryUnavailable):
            registry.roster("doc-1", "sec-2")

    @given(data=st.data())
    @settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_one_wrong_value_anywhere_never_surprises(
        self, server: ScriptedServer, registry: SigesRegistry, data: st.DataObject
    ) -> None:
        whole = data.draw(st.sampled_from([SCHOOLS, STUDENTS]))
        server.answers(Answer(body=with_one_wrong_value(whole, data)))
        try:
            if whole is SCHOOLS:
                assert_well_typed(registry.schools("doc-1"))
            else:
                assert_well_typed([registry.roster("doc-1", "sec-1")])
        except RegistryUnavailable:
            return


@pytest.mark.parametrize(
    "answer", [BROKEN_OFF, Answer(503, {}), Answer(200, {"id": 1}), Answer(200, b"<html>")], ids=repr
)
def test_no_error_repeats_a_number_or_the_token(
    server: ScriptedServer, registry: SigesRegistry, answer: Answer | None
) -> None:
    server.answers(answer)
    with pytest.raises(RegistryUnavailable) as caught:
        registry.verify_teacher(DUI, NIP)
    told = "".join(f"{error!r}{error}" for error in _chain(caught.value))
    assert not any(secret in told for secret in ("045612397", "0023187", TOKEN))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def assert_well_typed(answer: Iterable[School | Roster]) -> None:
    for item in answer:
        school, students = (item.school, item.students) if isinstance(item, Roster) else (item, ())
        sections = school.sections if isinstance(item, School) else (item.section,)
        texts = [school.code, school.name, school.department, school.municipality]
        texts += [text for each in sections for text in (each.code, each.name, each.grade, each.shift)]
        texts += [text for each in students for text in (each.given_names, each.surnames)]
        assert all(isinstance(text, str) and text == " ".join(text.split()) for text in texts)
        ids = [school.id, *(section.id for section in sections), *(student.id for student in students)]
        assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", each) for each in ids)
        assert all(each.is_open in (True, False) and each.student_count >= 0 for each in sections)
        assert all(each.email is None or each.email == each.email.lower() for each in students)


def with_one_wrong_value(whole: Any, data: st.DataObject) -> Any:
    """A copy in which one value of the tree was left out or is something else."""
    changed = copy.deepcopy(whole)
    holder, key = data.draw(st.sampled_from(list(_places(changed))))
    if isinstance(holder, dict) and data.draw(st.booleans()):
        del holder[key]
    else:
        holder[key] = data.draw(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
            | st.lists(st.none(), max_size=1) | st.dictionaries(st.sampled_from(["id", "x"]), st.text(max_size=2))
        )  # fmt: skip
    return changed


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield node, key
        yield from _places(value)
