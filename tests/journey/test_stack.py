"""`make run`: one command starts all of it, and one signal ends all of it."""

import csv
import json
import signal
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests

from infra.local.configuration import FUNCTIONS, PORTS
from infra.local.front_door.routes import read_routes
from infra.local.parts import ROOT
from infra.local.serve import free_addresses
from tests.support.emulator import end_process_group, free_port
from tests.support.stack import Stack, free_ports, running_stack, start_stack, temporary_folder
from tests.support.visitor import Visitor

PATIENCE = 30.0
STAND_INS = ("google", "siges", "tasks")
# Whose tokens the functions without pages are called with.
CALLERS = ("tasks", "scheduler", "operators")


@pytest.fixture(scope="module")
def own_stack() -> Iterator[Stack]:
    """A stack whose parts may be killed, of somebody who has a key of Google's set for other work."""
    environment = {"FIRESTORE_EMULATOR_HOST": "", "GOOGLE_APPLICATION_CREDENTIALS": "/nowhere/foreign-key.json"}
    with temporary_folder() as folder, running_stack(folder, environment) as stack:
        yield stack


@pytest.fixture(scope="module")
def other_stack(own_stack: Stack) -> Iterator[Stack]:
    """A second one at the same time, which uses the registry, the queue and the token endpoint of the first."""
    secrets = json.loads((own_stack.folder / "state/secrets.json").read_text())
    environment = {
        "FIRESTORE_EMULATOR_HOST": "",
        "SIGES_URL": own_stack.siges,
        "SIGES_TOKEN": secrets["SIGES_TOKEN"],
        "CLOUD_TASKS_ENDPOINT": own_stack.tasks,
        "TOKEN_ENDPOINT": f"{own_stack.google}/token",
        "SWEEP_SECONDS": "1",
    }
    with temporary_folder() as folder, running_stack(folder, environment) as stack:
        yield stack


def _sample_people() -> list[dict[str, str]]:
    with (ROOT / "infra/local/sample/people.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _all_ports_are_free(port: int) -> bool:
    return all(free_addresses(port + offset) for offset in PORTS)


def _eventually(condition: object) -> bool:
    assert callable(condition)
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_it_says_where_it_is_ready_and_who_can_sign_in(own_stack: Stack) -> None:
    lines = own_stack.output.splitlines()

    assert lines[0] == f"ready: http://localhost:{own_stack.port}/secciones/"
    for person in _sample_people():
        (line,) = [line for line in lines if person["address"] in line.split()]
        assert all(person[shown] in line for shown in ("password", "dui", "nip"))
    for address in (own_stack.google, own_stack.siges, own_stack.tasks):
        assert any(address in line.split() for line in lines)


def test_a_key_for_another_google_is_in_nobodys_way(own_stack: Stack) -> None:
    teacher = own_stack.teachers[0]
    visitor = Visitor(own_stack.origin)

    assert visitor.sign_in(teacher["address"], teacher["password"]).path == "/secciones/identidad"


def test_the_same_is_in_stack_json(own_stack: Stack) -> None:
    content = json.loads((own_stack.folder / "stack.json").read_text())

    assert content.keys() == {"url", "google", "siges", "tasks", "people"}
    assert content["url"] == f"http://localhost:{own_stack.port}/secciones/"
    assert content["people"] == _sample_people()


def test_the_landing_page_and_the_stand_ins_answer_on_every_address_of_localhost(
    own_stack: Stack,
) -> None:
    hosts = [address.rsplit(":", 1)[0] for address in free_addresses(free_port())]
    for host in hosts:
        assert requests.get(f"http://{host}:{own_stack.port}/secciones/", timeout=30).status_code == 200
        for offset, name in enumerate(STAND_INS, start=1):
            address = f"http://{host}:{own_stack.port + offset}/healthz"
            assert requests.get(address, timeout=30).status_code == 200, name


def test_every_route_reaches_a_function_that_is_up(own_stack: Stack) -> None:
    routes = read_routes()
    paths = [*routes.exact, *(prefix + "x" for prefix in routes.prefixes if "static" not in prefix)]

    statuses = {path: requests.get(own_stack.origin + path, timeout=30, allow_redirects=False) for path in paths}

    assert {path: answer.status_code for path, answer in statuses.items() if answer.status_code >= 500} == {}


def test_the_static_files_that_a_page_names_are_there(own_stack: Stack) -> None:
    names = json.loads((own_stack.folder / "build/login/static.json").read_text())

    for name in names.values():
        answer = requests.get(f"{own_stack.url}static/{name}", timeout=30)
        assert (answer.status_code, "immutable" in answer.headers["Cache-Control"]) == (200, True)


def test_an_address_that_the_page_does_not_have_is_a_page_not_found(own_stack: Stack) -> None:
    answer = requests.get(f"{own_stack.origin}/no/existe", timeout=30)

    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")


def test_the_scheduler_wakes_the_sweeper_with_an_identity_that_it_accepts(other_stack: Stack) -> None:
    assert _eventually(lambda: "sweep: 2" in other_stack.log("scheduler")), other_stack.log("scheduler")


@pytest.mark.parametrize("part", ["worker", "tasks"])
def test_a_part_that_is_killed_is_started_again_and_said_so(own_stack: Stack, part: str) -> None:
    before = own_stack.pid(part)

    own_stack.kill(part)

    assert _eventually(lambda: own_stack.pid(part) != before)
    assert _eventually(lambda: f"{part} is started again" in own_stack.output)


def test_secrets_and_keys_are_for_their_owner_alone_and_never_shown(own_stack: Stack) -> None:
    files = [own_stack.folder / "state/secrets.json", *(own_stack.folder / "state/keys").glob("*.json")]

    assert len(files) == 1 + len(FUNCTIONS) + len(CALLERS)
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    logs = own_stack.output + "".join(own_stack.log(name) for name in (*FUNCTIONS, *STAND_INS))
    for secret in json.loads(files[0].read_text()).values():
        assert secret not in logs


def test_an_address_that_is_set_is_used_and_its_stand_in_is_not_started(own_stack: Stack, other_stack: Stack) -> None:
    assert (other_stack.siges, other_stack.tasks) == (own_stack.siges, own_stack.tasks)
    assert other_stack.google == f"http://localhost:{other_stack.port + 1}"
    assert free_addresses(other_stack.port + 2)
    assert free_addresses(other_stack.port + 3)


def test_two_stacks_are_not_in_each_others_way(own_stack: Stack, other_stack: Stack) -> None:
    answers = [requests.get(stack.url, timeout=30) for stack in (own_stack, other_stack)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert own_stack.port != other_stack.port


def test_every_end_leaves_nothing_running_and_what_is_kept_survives_it_unless_a_fresh_start_is_asked_for(
    tmp_path: Path,
) -> None:
    port = free_ports()
    secrets = []
    for fresh, end in ((False, signal.SIGINT), (False, signal.SIGKILL), (True, signal.SIGTERM)):
        with running_stack(tmp_path, {"FIRESTORE_EMULATOR_HOST": ""}, port, fresh) as stack:
            secrets.append((tmp_path / "state/secrets.json").read_text())

            stack.process.send_signal(end)

            assert stack.process.wait(PATIENCE) == (-end if end == signal.SIGKILL else 0)
            assert _eventually(lambda: _all_ports_are_free(port))
            assert _eventually(lambda: not (tmp_path / "stack.json").exists()), "nobody is told of a stack that is gone"

    assert secrets[0] == secrets[1] != secrets[2]


def test_a_taken_port_is_one_clear_line_and_leaves_nothing_running(tmp_path: Path) -> None:
    port = free_ports()
    with socket.socket() as other:
        other.bind(("127.0.0.1", port + 2))
        other.listen()
        process = start_stack(tmp_path, port)
        try:
            assert process.wait(PATIENCE) == 1
        finally:
            end_process_group(process)

    (line,) = (tmp_path / "output").read_text().splitlines()
    assert line.startswith(f"port {port + 2} is taken")
    assert _all_ports_are_free(port)


def test_a_second_stack_in_the_same_folder_is_refused(own_stack: Stack) -> None:
    before = own_stack.output
    process = start_stack(own_stack.folder, free_ports(), fresh=True, output="second")
    try:
        assert process.wait(PATIENCE) == 1
    finally:
        end_process_group(process)

    assert "already runs" in (own_stack.folder / "second").read_text()
    assert own_stack.output == before
    assert (own_stack.folder / "state/secrets.json").exists()


def test_a_part_that_cannot_start_is_named_with_its_last_lines(tmp_path: Path) -> None:
    process = start_stack(tmp_path, free_ports(), {"THREADS": "many"})
    try:
        assert process.wait(PATIENCE) == 1
    finally:
        end_process_group(process)

    terminal = (tmp_path / "output").read_text()
    assert "did not start" in terminal
    assert "'many'" in terminal


def test_pages_weigh_little_on_the_wire(stack: Stack) -> None:
    """50 kB with all that the first page loads, 15 kB for each page after it, that of a section of sixty among them."""
    teacher = Visitor(stack.origin)

    def weight(address: str) -> int:
        with teacher.session.get(urljoin(stack.origin, address), stream=True, timeout=30) as answer:
            assert answer.status_code == 200
            return len(answer.raw.read(decode_content=False))

    landing = teacher.get("/secciones/").page
    files = {element.get(name, "") for element in landing.iter() for name in ("href", "src")}
    loaded = [file for file in files if file.startswith("/secciones/static/")]
    assert len(loaded) >= 4
    assert weight("/secciones/") + sum(map(weight, loaded)) <= 50 * 1024

    school = teacher.enter(stack.person("jose"))
    sections = [link for link in school.links().values() if "/centros/" in link and link.count("/") == 6]
    weights = {address: weight(address) for address in [school.url, *sections, "/secciones/restablecimientos"]}
    assert max(weights.values()) <= 15 * 1024
    assert max(len(teacher.get(section).html) for section in sections) > 40_000
