"""What the supervisor of the local stack does with processes that die, hang or fork."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.local.parts import Part
from infra.local.supervisor import DEATHS, PartFailed, Stopped, Supervisor
from tests.support.emulator import free_port

PATIENCE = 15.0
SLEEP = "import time; time.sleep(60)"
DIES = "import sys; print('no disk'); sys.exit(3)"
FORKS = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEP!r}])"
SERVES = "import http.server as h, sys; h.test(h.SimpleHTTPRequestHandler, port=int(sys.argv[1]), bind='127.0.0.1')"


@pytest.fixture
def messages() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, messages: list[str]) -> Supervisor:
    for folder in ("logs", "run"):
        (tmp_path / folder).mkdir()
    return Supervisor(tmp_path / "logs", tmp_path / "run", messages.append)


def _part(folder: Path, program: str, *arguments: str, port: int | None = None) -> Part:
    return Part("part", (sys.executable, "-c", program, *arguments), folder, dict(os.environ), port, "/")


def _run(supervisor: Supervisor, part: Part) -> None:
    with supervisor.until_told_to_stop():
        supervisor.start([part])
        if part.port:
            supervisor.wait_until_ready()
        supervisor.watch()


def _members(group: int) -> list[str]:
    """The living processes of a process group."""
    listed = subprocess.run(["ps", "-eo", "pgid=,stat=,pid="], capture_output=True, text=True, check=True)
    rows = [line.split() for line in listed.stdout.splitlines()]
    return [pid for group_id, state, pid in rows if int(group_id) == group and not state.startswith("Z")]


def _eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _signal_when(condition: Callable[[], bool], number: int) -> threading.Thread:
    """Send this process a signal once the condition holds."""

    def wait_and_send() -> None:
        _eventually(condition)
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=wait_and_send)
    thread.start()
    return thread


def test_a_part_is_ready_when_it_answers(supervisor: Supervisor, tmp_path: Path) -> None:
    port = free_port()
    with supervisor.until_told_to_stop():
        supervisor.start([_part(tmp_path, SERVES, str(port), port=port)])
        supervisor.wait_until_ready()
        pid = int((tmp_path / "run/part/pid").read_text())
        assert _members(pid)

    assert not _members(pid)


def test_a_part_that_ends_before_it_answers_is_named_with_its_last_lines(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    with pytest.raises(PartFailed, match=r"part did not start \(exit code 3\)(?s:.*)no disk"):
        _run(supervisor, _part(tmp_path, DIES, port=free_port()))


def test_a_part_that_keeps_dying_is_given_up(supervisor: Supervisor, tmp_path: Path, messages: list[str]) -> None:
    with pytest.raises(PartFailed, match=r"part keeps dying \(exit code 3\)"):
        _run(supervisor, _part(tmp_path, DIES))

    assert len(messages) == DEATHS - 1
    assert all("part is started again" in message for message in messages)


def test_the_children_of_a_part_end_with_it(supervisor: Supervisor, tmp_path: Path) -> None:
    with supervisor.until_told_to_stop():
        supervisor.start([_part(tmp_path, FORKS)])
        pid = int((tmp_path / "run/part/pid").read_text())
        assert _eventually(lambda: len(_members(pid)) == 2)

    assert not _members(pid)


def test_a_part_that_does_not_heed_the_signal_is_killed(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.local.supervisor.STOP_SECONDS", 0.2)
    stubborn = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); {SLEEP}"
    with supervisor.until_told_to_stop():
        supervisor.start([_part(tmp_path, stubborn)])
        pid = int((tmp_path / "run/part/pid").read_text())
        assert _eventually(lambda: "deaf" in (tmp_path / "logs/part.log").read_text())

    assert not _members(pid)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_watch_and_every_part(supervisor: Supervisor, tmp_path: Path, number: signal.Signals) -> None:
    pid_file = tmp_path / "run/part/pid"
    before = signal.getsignal(number)
    sender = _signal_when(pid_file.exists, number)

    with pytest.raises(Stopped):
        _run(supervisor, _part(tmp_path, SLEEP))
    sender.join()

    assert not _members(int(pid_file.read_text()))
    assert signal.getsignal(number) == before
