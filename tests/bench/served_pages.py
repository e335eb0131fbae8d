"""What a page costs behind the server that the functions run under, over Flask's hello world behind the same.

What counts is the processor time of the server's processes: it is no matter how fast the browsers ask, who else works
on the machine, and how long the systems behind a page take.
"""

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.support.emulator import end_process_group, free_port
from tests.support.first_answers import Question

ROUNDS = 5
BROWSERS = 4
REQUESTS = 50  # of each browser in a round
START_SECONDS = 30.0
HELLO = Question("GET", "/", 200)
_OF_A_BROWSER = {
    "Accept": "text/html",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Accept-Language": "es-SV,es;q=0.9",
}


class _Server(NamedTuple):
    """`group` is the number of its processes' group: gunicorn's own and its worker's."""

    port: int
    group: int
    question: Question


def over_hello(folder: Path, question: Question, settings: Mapping[str, str]) -> float:
    """Requests a second of processor time, over those of hello world; both are asked in turns, so that a change of the
    machine's speed meets both."""
    with _served("hello", folder, HELLO, settings) as hello, _served(folder.name, folder, question, settings) as page:
        for server in (hello, page):
            _ask_side_by_side(server)  # what is imported and connected once
        before = _processor_seconds(hello), _processor_seconds(page)
        for _ in range(ROUNDS):
            for server in (hello, page):
                _ask_side_by_side(server)
        return (_processor_seconds(hello) - before[0]) / (_processor_seconds(page) - before[1])


@contextlib.contextmanager
def _served(name: str, folder: Path, question: Question, settings: Mapping[str, str]) -> Iterator[_Server]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("one_server.py")), name, str(port)],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(folder), **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_for(port)
        yield _Server(port, process.pid, question)
    finally:
        end_process_group(process)


def _wait_for(port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


def _ask_side_by_side(server: _Server) -> None:
    with ThreadPoolExecutor(BROWSERS) as browsers:
        for asked in [browsers.submit(_ask, server) for _ in range(BROWSERS)]:
            asked.result()


def _ask(server: _Server) -> None:
    """One browser, that keeps its connection."""
    question, headers = server.question, _OF_A_BROWSER | dict(server.question.headers)
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
        for _ in range(REQUESTS):
            connection.request(question.method, question.path, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != question.status:
                raise RuntimeError(f"answered {answer.status}: {body[:500]!r}")


def _processor_seconds(server: _Server) -> float:
    """As Linux tells it of each process: proc_pid_stat(5), counted from behind the name."""
    ticks = 0
    for process in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # of one that ends meanwhile
            fields = process.read_text().rpartition(")")[2].split()
            if int(fields[2]) == server.group:
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
