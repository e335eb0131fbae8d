"""How long a staged function takes from process start to its first answer, over functions-framework's hello world.

Each round starts every function once, hello world among them; medians are compared. Staged functions are compiled, as
the cloud's build compiles them; hello world is as well. The store is Firestore's emulator, whose answers take no time
to speak of, as those of SIGES and of the caller's issuer: what is measured is the functions' own work. What a page's
first call to the store costs in the cloud and not here, a token and trust for TLS, is measured apart.
"""

import compileall
import contextlib
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import requests

from tests.bench.figures import Figure
from tests.support.emulator import end_process_group, free_port
from tests.support.first_answers import Question

GOALS = {"login": "≤ 1.3", "verify": "≤ 2.0", "sections": "≤ 2.0", "reset": "≤ 2.0"}
GOAL_OF_TASKS = "≤ 3.5"
HELLO = 'def hello(request):\n    return "hello"\n'
IN_THE_CLOUD = """
import time
import urllib3
from secciones import settings, stores
from secciones.adapters import firestore_rest, http_pool

before = time.process_time()
http_pool.connections(firestore_rest.FIRESTORE, 10)
stores.own_token(settings.load(settings.CommonSettings), firestore_rest.SCOPE)()
print(time.process_time() - before)
"""


class Start(NamedTuple):
    """From the start of a process to the end of its first answer, and the processor time from its start to its end,
    which tells the same on a busy machine."""

    seconds: float
    cpu_seconds: float


def figures(
    build: Path, settings: Mapping[str, str], questions: Mapping[str, Question], rounds: int
) -> Iterator[Figure]:
    """Each function's median over hello world's; `build` has all of them staged."""
    (build / "hello").mkdir()
    (build / "hello/main.py").write_text(HELLO)
    compileall.compile_dir(build / "hello", quiet=1)
    asked = {"hello": Question("GET", "/", 200), **questions}
    starts: dict[str, list[Start]] = {name: [] for name in asked}
    for _ in range(1 + rounds):
        for name, question in asked.items():
            starts[name].append(_first_answer(build / name, question, settings))
    # The first round is the emulator's cold start, and the disk's.
    medians = {
        name: Start(*map(statistics.median, zip(*measured[1:], strict=True))) for name, measured in starts.items()
    }
    hello = medians.pop("hello")
    yield Figure("cold: hello world of functions-framework, ms", hello.seconds * 1000)
    for name, start in medians.items():
        yield Figure(f"cold: {name}, over hello world", start.seconds / hello.seconds, GOALS.get(name, GOAL_OF_TASKS))
    for name, start in medians.items():
        yield Figure(f"cold: {name}, processor time over hello world's", start.cpu_seconds / hello.cpu_seconds)
    besides = statistics.median(_in_the_cloud(build / "verify", settings) for _ in range(rounds))
    yield Figure("cold: a page's token and trust for TLS in the cloud, besides", besides / hello.cpu_seconds)


def _first_answer(folder: Path, question: Question, settings: Mapping[str, str]) -> Start:
    port = free_port()
    command = [sys.executable, "-m", "functions_framework", "--source", "main.py", "--target", folder.name]
    started, cpu_before = time.perf_counter(), _cpu_of_ended_children()
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port)],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while True:
            with contextlib.suppress(requests.ConnectionError):
                answer = requests.request(
                    question.method,
                    f"http://127.0.0.1:{port}{question.path}",
                    headers=question.headers,
                    data=question.body,
                    timeout=30,
                    allow_redirects=False,
                )
                seconds = time.perf_counter() - started
                if answer.status_code != question.status:
                    raise RuntimeError(f"{folder.name} answers {answer.status_code}: {answer.text[:500]}")
                break
            time.sleep(0.005)
    finally:
        end_process_group(process)
    return Start(seconds, _cpu_of_ended_children() - cpu_before)


def _in_the_cloud(folder: Path, settings: Mapping[str, str]) -> float:
    """Processor seconds for a token of the metadata server, where no key file is named, and for trust."""
    environment = {"PATH": os.environ["PATH"], **settings, "GOOGLE_APPLICATION_CREDENTIALS": ""}
    program = [sys.executable, "-c", IN_THE_CLOUD]
    return float(subprocess.run(program, cwd=folder, env=environment, capture_output=True, check=True).stdout)


def _cpu_of_ended_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
