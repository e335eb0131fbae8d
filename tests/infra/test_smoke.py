"""The smoke test that judges a release, against the stack of `make run`, and against one that is ill."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.infra.smoke import CANDIDATE, journey_problems, problems
from tests.infra.terraform import ROOT, SOURCE
from tests.support.google_pages import letters
from tests.support.stack import Stack

PROGRAM = str(ROOT / "tests/infra/smoke.py")


def test_the_stack_answers_as_the_real_address_should(stack: Stack) -> None:
    assert list(problems(stack.url)) == []


def test_a_synthetic_teacher_goes_through_to_a_mail(stack: Stack) -> None:
    teacher = stack.teachers[0]
    received = len(letters(stack.google, teacher["address"]))

    assert list(journey_problems(stack.url, teacher)) == []
    assert len(letters(stack.google, teacher["address"])) == received + 1


def test_a_teacher_who_is_kept_out_is_a_release_that_does_not_hold(stack: Stack) -> None:
    stranger = {**stack.teachers[0], "nip": "0000000"}

    assert "does not come to the students" in next(journey_problems(stack.url, stranger))


def test_it_is_a_program_that_says_what_is_wrong(stack: Stack, tmp_path: Path) -> None:
    teacher = tmp_path / "teacher.json"
    teacher.write_text(json.dumps({**stack.teachers[0], "password": "wrong"}))

    well = subprocess.run(
        [sys.executable, PROGRAM, stack.url, "--rounds=2"], capture_output=True, text=True, check=False
    )
    ill = subprocess.run(
        [sys.executable, PROGRAM, stack.url, f"--teacher={teacher}"], capture_output=True, text=True, check=False
    )

    assert (well.returncode, well.stdout) == (0, f"{stack.url} answers as it should\n")
    assert ill.returncode == 1
    assert "does not come to the page of DUI and NIP" in ill.stderr


@pytest.fixture
def ill() -> Iterator[str]:
    """A server that answers everything with 200, to anybody, and says nothing."""

    class Ill(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Ill) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/secciones/"
        server.shutdown()
        thread.join()


def test_an_ill_service_is_seen(ill: str) -> None:
    found = "\n".join(problems(ill))

    for part in ("no way in", "Content-Security-Policy", "no static file", "PKCE", "identidad", "form of nobody's"):
        assert part in found


def test_an_address_where_nobody_answers_is_seen() -> None:
    assert next(problems("http://127.0.0.1:9/secciones/")) == "the landing page answers 0"


def test_a_candidate_is_asked_by_the_name_that_the_load_balancer_knows() -> None:
    asked = []

    class Named(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers["Host"])
            self.send_response(404)
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Named) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        assert list(problems(f"http://127.0.0.1:{server.server_port}/secciones/", CANDIDATE))
        server.shutdown()
        thread.join()

    assert set(asked) == {CANDIDATE}
    assert f'candidate = "{CANDIDATE}"' in (SOURCE / "front_door.tf").read_text()
